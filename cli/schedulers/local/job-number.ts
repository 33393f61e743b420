import { constants, type Stats } from 'node:fs';
import { chmod, type FileHandle, lstat, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BcopyError } from '../../../core/model/errors.ts';
import type { Environment } from '../slurm/environment.ts';

const epochMs = Date.UTC(2026, 0, 1);
const claimLifeMs = 2 * 24 * 3600 * 1000;
const sticky = 0o1000;

/**
 * A job number that nobody else on this machine has: the seconds since 2026 began, or the next number that is
 * free. Two callers never get the same one, whoever they are, as long as they can write to the shared directory.
 */
export async function claimJobNumber(environment: Environment, nowMs: number): Promise<string> {
  const problems: string[] = [];
  for (const candidate of candidates(environment)) {
    try {
      return await claimIn(candidate, nowMs);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  throw new BcopyError('noScheduler', 'cannot claim a job number on this machine', {
    theirWords: problems.join('\n'),
  });
}

type Candidate = { readonly path: string; readonly mode: number };

/** Everybody's directory first; where this user cannot use it, numbers are unique for this user at least. */
function candidates(environment: Environment): Candidate[] {
  const stateHome = environment.XDG_STATE_HOME || join(environment.HOME || homedir(), '.local', 'state');
  return [
    { path: environment.BCOPY_LOCAL_STATE || '/tmp/.bcopy-jobs', mode: 0o1777 },
    { path: join(stateHome, 'bcopy', 'jobs'), mode: 0o700 },
  ];
}

async function claimIn({ path, mode }: Candidate, nowMs: number): Promise<string> {
  await makeDirectory(path, mode);
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    refuseUnsafe(path, await directory.stat());
    // Through its descriptor the directory stays the one that was looked at.
    const inside = `/proc/self/fd/${directory.fd}`;
    await removeOldClaims(inside, nowMs);
    return await claimNext(inside, Math.max(1, Math.floor((nowMs - epochMs) / 1000)));
  } finally {
    await directory.close();
  }
}

/** Only who makes it sets its mode, which the umask would otherwise narrow. */
async function makeDirectory(path: string, mode: number): Promise<void> {
  if (mode === 0o700) {
    await mkdir(path, { recursive: true, mode });
    return;
  }
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  await chmod(path, mode);
}

/** Where others may remove our claims, a claim is worth nothing. */
function refuseUnsafe(path: string, stats: Stats): void {
  const isOpenToAll = (stats.mode & 0o022) !== 0;
  if (isOpenToAll && (stats.mode & sticky) === 0)
    throw new Error(`${path} is writable by all and not sticky`);
}

async function claimNext(inside: string, first: number): Promise<string> {
  for (let number = first; ; number++) {
    const claim = await tryClaim(join(inside, String(number)));
    if (!claim) continue;
    await claim.close();
    return String(number);
  }
}

async function tryClaim(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

/** Numbers grow with the clock, so that one from two days ago is not given again. */
async function removeOldClaims(inside: string, nowMs: number): Promise<void> {
  const names = (await readdir(inside)).filter((name) => /^\d+$/.test(name));
  const limit = (nowMs - claimLifeMs - epochMs) / 1000;
  for (const name of names.filter((claim) => Number(claim) < limit)) {
    const path = join(inside, name);
    const stats = await lstat(path).catch(() => undefined);
    const isOwn = stats?.isFile() === true && stats.uid === process.getuid?.();
    if (isOwn && nowMs - stats.mtimeMs > claimLifeMs) await unlink(path).catch(() => {});
  }
}
