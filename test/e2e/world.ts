import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { inject } from 'vitest';
import { type FakeSlurm, fakePrograms, fakeSlurm } from '../fakes/fake-slurm.ts';
import { type Cluster, missingForCluster, startCluster } from '../slurm/cluster.ts';

export type Ran = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

/** A place where bcopy copies: a scheduler, an ordinary user, a directory of his. */
export type World = {
  readonly name: 'local' | 'fakes' | 'slurm';
  /** A fresh directory that belongs to the user and is seen by all nodes. */
  directory(): string;
  /** Runs the installed bcopy as the user. */
  bcopy(cwd: string, ...args: string[]): Promise<Ran>;
  /** Runs any program as the user. */
  run(cwd: string, program: string, ...args: string[]): Promise<Ran>;
  readonly env: Readonly<Record<string, string>>;
  readonly fake: FakeSlurm | undefined;
  readonly cluster: Cluster | undefined;
  close(): Promise<void>;
};

export type WorldName = World['name'];

/** What keeps a world from being; undefined when it can be opened. */
export function whyNot(name: WorldName): string | undefined {
  const missing = name === 'slurm' ? missingForCluster() : [];
  return missing.length === 0 ? undefined : `${missing.join(', ')} is not installed`;
}

/** Says plainly which tests are skipped, and why. */
export function openOrSkip(names: readonly WorldName[]): { open: WorldName[]; skipped: WorldName[] } {
  const skipped = names.filter((name) => whyNot(name) !== undefined);
  for (const name of skipped) console.log(`skipped: ${name}: ${whyNot(name)}`);
  return { open: names.filter((name) => !skipped.includes(name)), skipped };
}

const testUser = 'bcopytest';

/** The ordinary user: root's tests use one of their own, anybody else is one. */
function ordinaryUser(): { uid: number; gid: number; home: string } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  try {
    execFileSync('id', [testUser], { stdio: 'ignore' });
  } catch {
    execFileSync('useradd', ['-m', '-s', '/bin/bash', testUser]);
  }
  const [, , uid, gid, , home] = execFileSync('getent', ['passwd', testUser], { encoding: 'utf8' })
    .trim()
    .split(':');
  return { uid: Number(uid), gid: Number(gid), home: home! };
}

export async function openWorld(name: WorldName, nodes = 3): Promise<World> {
  const root = mkdtempSync(join(tmpdir(), `bcopy-${name}-`));
  chmodSync(root, 0o755);
  const user = ordinaryUser();
  const cluster = name === 'slurm' ? await startCluster(nodes) : undefined;
  const fake = name === 'fakes' ? openFake(root, user) : undefined;
  const home = ownedDirectory(root, 'home', user);
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    XDG_STATE_HOME: `${home}/state`,
    BCOPY_LOCAL_STATE: ownedDirectory(root, 'jobs', user),
    ...(name === 'local' ? { BCOPY_SCHEDULER: 'local' } : {}),
    ...(cluster?.env ?? {}),
    ...(fake?.env ?? {}),
  };
  let count = 0;
  const run = async (cwd: string, program: string, ...args: string[]): Promise<Ran> => {
    const options = {
      cwd,
      env,
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
      timeout: 300_000,
      ...(user ?? {}),
    } as const;
    const { exitCode, stdout, stderr, signal } = await execa(program, args, options);
    return { exitCode: exitCode ?? (signal === undefined ? -2 : -1), stdout, stderr };
  };
  return {
    name,
    directory: () => ownedDirectory(root, String(count++), user),
    bcopy: (cwd, ...args) => run(cwd, `${inject('installed')}/dist/js/cli/main.js`, ...args),
    run,
    env,
    fake,
    cluster,
    close: async () => {
      await fake?.stop();
      await cluster?.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

type User = ReturnType<typeof ordinaryUser>;

function ownedDirectory(root: string, name: string, user: User): string {
  const directory = join(root, name);
  mkdirSync(directory);
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  return directory;
}

/** The fakes' state belongs to the user, since his commands write it. */
function openFake(root: string, user: User): FakeSlurm {
  // A checkout may be closed to the user
  const programs = join(root, 'programs');
  cpSync(fakePrograms, programs, { recursive: true });
  const fake = fakeSlurm(ownedDirectory(root, 'fake', user), programs);
  if (user !== undefined) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, join(root, 'fake')]);
  return fake;
}

/** Gives a tree that root has made to the user. */
export function giveToUser(directory: string): void {
  const user = ordinaryUser();
  if (user !== undefined) execFileSync('chown', ['-hR', `${user.uid}:${user.gid}`, directory]);
}
