import { readAttempt } from '../../core/run/attempt-file.ts';
import type { RunPaths } from '../../core/run/run-paths.ts';
import type { CommandContext } from '../commands/context.ts';
import { readJobs } from '../schedulers/local/job-file.ts';
import type { JobRef, Scheduler } from '../schedulers/scheduler.ts';
import { listJobs } from './find-run.ts';
import { schedulerNamed } from './scheduler-of-run.ts';

/** The numbers of a run's jobs that run, may still run, or of which nobody knows; a scheduler that does not answer is a `noScheduler` error. */
export async function livingJobs(paths: RunPaths, context: CommandContext): Promise<string[]> {
  const living: string[] = [];
  for (const [kind, jobs] of await jobsByScheduler(paths)) {
    const scheduler = await schedulerNamed(kind, context);
    for (const { job, phase } of await scheduler.states(jobs))
      if (phase !== 'ended' && phase !== 'gone') living.push(job);
  }
  return [...new Set(living)];
}

/** A retry may have gone to another scheduler. Of a damaged attempt, the files of the local one tell whose its jobs were. */
async function jobsByScheduler(paths: RunPaths): Promise<Map<Scheduler['kind'], JobRef[]>> {
  const byKind = new Map<Scheduler['kind'], JobRef[]>();
  const local = new Set((await readJobs(paths.root)).map(({ id }) => id));
  for (const { attempt, job } of await listJobs(paths)) {
    const told = await readAttempt(paths, attempt).catch(() => undefined);
    const kind = told?.scheduler ?? (local.has(job) ? 'local' : 'slurm');
    byKind.set(kind, [...(byKind.get(kind) ?? []), { id: job, directory: paths.root }]);
  }
  return byKind;
}
