import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { fromBytes } from '../../core/model/names.ts';
import { type Mount, mountOf } from './mount-of.ts';
import {
  parseLfsProject,
  parseLfsQuota,
  parseMmlsquota,
  parseQuota,
  type QuotaRoom,
} from './parse-quotas.ts';

/** Who only asks does not wait long: a server that is down must not keep a copy from starting. */
const patienceMs = 10_000;

export type QuotaQuestion = {
  /** A directory that is there, as a resolved absolute path. */
  readonly directory: string;
  /** The group that is charged for what is made in it. */
  readonly gid: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/** What is left of this user's quotas at a directory, as the file system's own tool tells it; nothing where there is none or it is not understood. */
export async function readQuotas(question: QuotaQuestion): Promise<QuotaRoom[]> {
  const uid = process.geteuid?.() ?? 0;
  const mount = await findMount(question.directory);
  // Quotas do not hold for root
  if (uid === 0 || mount === undefined) return [];
  const ask = (program: string, ...words: string[]) => run(program, words, question.environment);
  if (mount.type === 'lustre') return readLfs(ask, question, uid);
  if (mount.type === 'gpfs') return readMmlsquota(ask, mount, question.gid, uid);
  return parseQuota(await ask('quota', '-u', '-g', '-w', '-p', '-f', mount.point), uid, question.gid);
}

type Ask = (program: string, ...words: string[]) => Promise<string>;

async function readLfs(ask: Ask, { directory, gid }: QuotaQuestion, uid: number): Promise<QuotaRoom[]> {
  const quota = (letter: string, id: number) => ask('lfs', 'quota', '-q', letter, String(id), directory);
  const project = parseLfsProject(await ask('lfs', 'project', '-d', directory));
  return [
    ...parseLfsQuota(await quota('-u', uid), 'your quota'),
    ...parseLfsQuota(await quota('-g', gid), "your group's quota"),
    ...(project === undefined ? [] : parseLfsQuota(await quota('-p', project), "the project's quota")),
  ];
}

async function readMmlsquota(ask: Ask, { source }: Mount, gid: number, uid: number): Promise<QuotaRoom[]> {
  const quota = async (letter: string, name: string) => {
    const words = ['-Y', letter, name, source] as const;
    return (await ask('mmlsquota', ...words)) || ask('/usr/lpp/mmfs/bin/mmlsquota', ...words);
  };
  return [
    ...parseMmlsquota(await quota('-u', nameOf(uid)), 'USR', 'your quota'),
    ...parseMmlsquota(await quota('-g', String(gid)), 'GRP', "your group's quota"),
  ];
}

function nameOf(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid);
  }
}

/** What it prints, whatever its exit code: `quota` has one for those above their limits. Empty when it is not here or takes too long. */
async function run(
  program: string,
  words: readonly string[],
  environment: QuotaQuestion['environment'],
): Promise<string> {
  if (!words.every((word) => word.isWellFormed())) return '';
  const { execa } = await import('execa');
  const env = { ...environment, LC_ALL: 'C' };
  const options = {
    env,
    extendEnv: false,
    // The current directory itself: its name may hold bytes that are no UTF-8
    cwd: '/proc/self/cwd',
    stdin: 'ignore',
    timeout: patienceMs,
    forceKillAfterDelay: 1000,
    reject: false,
  } as const;
  const { stdout, timedOut } = await execa(program, words, options).catch(() => ({
    stdout: '',
    timedOut: false,
  }));
  return timedOut ? '' : (stdout ?? '');
}

async function findMount(directory: string): Promise<Mount | undefined> {
  const mountinfo = await readFile('/proc/self/mountinfo').catch(() => Buffer.alloc(0));
  return mountOf(fromBytes(mountinfo), directory);
}
