import { lstat, opendir, readdir, rm } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { BcopyError } from '../../core/model/errors.ts';
import { TapeReader } from '../../core/run/tape-reader.ts';
import { TemporaryFiles } from '../../core/storage/posix/temporary-files.ts';
import type { CommandContext } from '../commands/context.ts';
import { removeRun } from './create-run.ts';
import { type FoundRun, unindexJob } from './find-run.ts';
import { hasLeftNothing, type JudgedRun } from './judge-run.ts';

/** What was found, and removed unless that was not wanted. */
export type Removed = { readonly files: number; readonly bytes: number };

export type CleanedRun = {
  readonly id: string;
  readonly directory: Removed;
  /** `elsewhere`: the destination is gone, or another; `unknown`: the run does not tell where to look. */
  readonly temporaries: (Removed & { readonly refused: number }) | 'elsewhere' | 'unknown';
};

export type CleanOptions = {
  /** False: nothing is removed, only counted. */
  readonly removes: boolean;
  /** True: all directories are gone through, also when nothing can be left. */
  readonly looksEverywhere: boolean;
};

type Going = JudgedRun & { readonly kind: 'complete' | 'incomplete' | 'damaged' };

/** Removes what a run's workers left at the destination, and then the run. */
export async function cleanRun(
  run: Going,
  options: CleanOptions,
  context: CommandContext,
): Promise<CleanedRun> {
  const temporaries = await cleanDestination(run, options, context);
  const reports = await unfinishedReports(run.jobs);
  const directory = await measure(run.paths.root, reports);
  if (options.removes) {
    for (const job of run.jobs) await unindexJob(job, run.id, context.environment);
    await removeDirectory(run, reports);
  }
  return { id: run.id, directory, temporaries };
}

async function removeDirectory({ id, paths }: JudgedRun, reports: readonly string[]): Promise<void> {
  try {
    for (const name of reports) await rm(name, { force: true });
    await removeRun(paths);
  } catch (error) {
    const why = (error as Error).message;
    throw new BcopyError('destinationUnwritable', `cannot remove run ${id}: ${why}`);
  }
}

async function cleanDestination(
  run: Going,
  options: CleanOptions,
  context: CommandContext,
): Promise<CleanedRun['temporaries']> {
  if (run.kind === 'damaged') return 'unknown';
  // What was made to compare may have copied since, with --retry
  const copies = run.run.attempts.some(({ phase = 'copy' }) => phase === 'copy');
  const isClean = run.kind === 'complete' && (await hasLeftNothing(run.paths));
  if (!copies || (isClean && !options.looksEverywhere)) return { files: 0, bytes: 0, refused: 0 };
  try {
    return await removeTemporaries(run.id, run.run, options.removes, context.signal);
  } catch (error) {
    if (error instanceof BcopyError && error.kind === 'runDamaged') return 'unknown';
    throw error;
  }
}

/** Goes through the directories of the tape, block by block, so that memory does not grow with the tree. */
async function removeTemporaries(
  run: string,
  { paths, info }: FoundRun,
  removes: boolean,
  signal: AbortSignal,
): Promise<CleanedRun['temporaries']> {
  const { path: destination, inode, isNew } = info.destination;
  const temporaries = TemporaryFiles.open({ destination, inode, isNew, run, removes });
  if (temporaries === undefined) return 'elsewhere';
  const tape = new TapeReader(paths);
  try {
    for (const { entries } of tape.blocksBackwards()) {
      for (const { entry } of entries) if (entry.kind === 'directory') temporaries.handle(entry.path);
      await setImmediate();
      signal.throwIfAborted();
    }
    const { files, bytes, refused } = temporaries;
    return { files, bytes, refused };
  } finally {
    temporaries.close();
    tape.close();
  }
}

/** What a finish that was killed has left of JOBID.log and JOBID.err in the current directory. */
async function unfinishedReports(jobs: readonly string[]): Promise<string[]> {
  return (await readdir('.')).filter((name) => {
    const [, job] = /^(\d+)\.(?:log|err)\.\d+\.tmp$/.exec(name) ?? [];
    return job !== undefined && jobs.includes(job);
  });
}

async function measure(directory: string, others: readonly string[]): Promise<Removed> {
  let [files, bytes] = [0, 0];
  const add = async (path: string) => {
    const status = await lstat(path).catch(() => undefined);
    if (status === undefined || status.isDirectory()) return;
    files++;
    bytes += status.blocks * 512;
  };
  for (const name of others) await add(name);
  try {
    for await (const { parentPath, name } of await opendir(directory, { recursive: true }))
      await add(`${parentPath}/${name}`);
  } catch (error) {
    // Somebody else removes it at the same time
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return { files, bytes };
}
