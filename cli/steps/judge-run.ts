import { lstat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { BcopyError } from '../../core/model/errors.ts';
import type { JournalLine } from '../../core/run/journal-lines.ts';
import { listJournals, readJournal } from '../../core/run/journal-reader.ts';
import { RunPaths, runsDirectory } from '../../core/run/run-paths.ts';
import type { CommandContext } from '../commands/context.ts';
import { adoptJobs } from './adopt-jobs.ts';
import { type FoundRun, listJobs, readRun } from './find-run.ts';
import { livingJobs } from './living-jobs.ts';
import { readRunStatus } from './run-status.ts';
import { schedulerNamed } from './scheduler-of-run.ts';

/** A run as `bcopy clean` sees it. `job` is the number that people know it by, undefined when there is none. */
export type JudgedRun = {
  readonly id: string;
  readonly paths: RunPaths;
  readonly job: string | undefined;
  readonly jobs: readonly string[];
} & (
  | { readonly kind: 'complete' | 'incomplete'; readonly run: FoundRun }
  /** A job of it is pending, running, or nobody knows. */
  | { readonly kind: 'busy'; readonly living: string }
  | { readonly kind: 'damaged' | 'unasked'; readonly error: BcopyError }
  /** Its directory belongs to somebody else, or is none. */
  | { readonly kind: 'foreign' }
);

/** A job that has told its end needs a moment until it is gone. */
const endPatienceMs = 15_000;
const lookMs = 200;

/** Looks at a run without changing anything in it but to note jobs that were accepted unnoted. */
export async function judgeRun(id: string, context: CommandContext): Promise<JudgedRun> {
  const paths = new RunPaths(`${runsDirectory}/${id}`);
  if (!(await isOwnDirectory(paths.root))) return { id, paths, job: undefined, jobs: [], kind: 'foreign' };
  try {
    return { id, paths, ...(await judgeOwn(id, paths, context)) };
  } catch (error) {
    if (!(error instanceof BcopyError) || error.kind !== 'noScheduler') throw error;
    return { id, paths, ...(await announced(paths)), kind: 'unasked', error };
  }
}

type Reading = {
  readonly run: FoundRun;
  readonly job: string | undefined;
  readonly isFinished: boolean;
  readonly isComplete: boolean;
};

async function judgeOwn(id: string, paths: RunPaths, context: CommandContext) {
  const reading = await read(id, context).catch((error: unknown) => {
    if (error instanceof BcopyError && error.kind === 'runDamaged') return error;
    throw error;
  });
  const isFinished = !(reading instanceof BcopyError) && reading.isFinished;
  const [living] = await stillLiving(paths, context, isFinished ? endPatienceMs : 0);
  const { jobs, job } = await announced(paths);
  const about = { jobs, job: reading instanceof BcopyError ? job : reading.job };
  if (living !== undefined) return { ...about, kind: 'busy', living } as const;
  if (reading instanceof BcopyError) return { ...about, kind: 'damaged', error: reading } as const;
  return { ...about, kind: reading.isComplete ? 'complete' : 'incomplete', run: reading.run } as const;
}

async function read(id: string, context: CommandContext): Promise<Reading> {
  const found = await readRun(id);
  const kind = found.attempts.at(-1)?.scheduler;
  const run = kind === undefined ? found : await adoptJobs(found, await schedulerNamed(kind, context));
  const { phase, isFinished, job } = await readRunStatus(run, undefined);
  return { run, job, isFinished, isComplete: phase === 'complete' };
}

async function stillLiving(paths: RunPaths, context: CommandContext, patienceMs: number): Promise<string[]> {
  const { signal } = context;
  for (const end = context.now() + patienceMs; ; await setTimeout(lookMs, undefined, { signal })) {
    const living = await livingJobs(paths, context);
    if (living.length === 0 || context.now() >= end) return living;
  }
}

async function announced(paths: RunPaths): Promise<{ job: string | undefined; jobs: string[] }> {
  const jobs = await listJobs(paths);
  const newest = jobs.filter(({ attempt }) => attempt === jobs.at(-1)?.attempt);
  return { job: newest[0]?.job, jobs: jobs.map(({ job }) => job) };
}

async function isOwnDirectory(path: string): Promise<boolean> {
  const status = await lstat(path).catch(() => undefined);
  return status?.isDirectory() === true && status.uid === process.geteuid?.();
}

/**
 * True when no worker can have left a temporary file: each did all that it had to, and every file that was copied in
 * pieces has its name. One that was killed or cut off may have left some, and so may a file that failed or vanished.
 */
export async function hasLeftNothing(paths: RunPaths): Promise<boolean> {
  for (const { file } of await listJournals(paths)) {
    let open = 0;
    for (const line of readJournal(file)) {
      // What only reads leaves nothing
      if (line.type === 'journal' && line.phase === 'verify') break;
      if (line.type === 'journal') open++;
      if (line.type === 'end') open--;
      if (leavesSomething(line)) return false;
    }
    if (open > 0) return false;
  }
  return true;
}

function leavesSomething(line: JournalLine): boolean {
  if (line.type === 'end') return line.reason !== 'complete';
  return line.type === 'entry' || (line.type === 'file' && line.outcome !== 'copied');
}
