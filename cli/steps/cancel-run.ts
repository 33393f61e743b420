import { writeCancelled } from '../../core/run/next-file.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { adoptJobs } from './adopt-jobs.ts';
import { type FoundRun, readRun } from './find-run.ts';
import { noteRunError } from './run-errors.ts';
import { jobsOf } from './run-jobs.ts';

/**
 * Ends all jobs of a run. A finish job that submits the next attempt meanwhile sees that it was cancelled and ends
 * that itself; when it was ended in the middle of submitting, what it had submitted is found the second time.
 */
export async function cancelRun(
  run: FoundRun,
  scheduler: Scheduler,
  note: (message: string) => void,
): Promise<FoundRun> {
  const newest = run.attempts.at(-1);
  if (newest === undefined) return run;
  // On a full disk the jobs are ended all the same
  await writeCancelled(run.paths, newest.attempt).catch((error: unknown) =>
    noteRunError(error, 'down that it is cancelled', note),
  );
  await cancelJobs(run, scheduler);
  const later = await adoptJobs(await readRun(run.info.id), scheduler);
  if (countJobs(later) > countJobs(run)) await cancelJobs(later, scheduler);
  return later;
}

async function cancelJobs(run: FoundRun, scheduler: Scheduler): Promise<void> {
  const own = run.attempts.filter((attempt) => attempt.scheduler === scheduler.kind);
  await scheduler.cancel(own.flatMap((attempt) => jobsOf(run, attempt)));
}

function countJobs({ attempts }: FoundRun): number {
  return attempts.reduce(
    (sum, { jobs }) => sum + jobs.arrays.length + (jobs.finish === undefined ? 0 : 1),
    0,
  );
}
