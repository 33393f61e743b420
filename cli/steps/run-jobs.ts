import type { JobRef } from '../schedulers/scheduler.ts';
import type { FoundAttempt, FoundRun } from './find-run.ts';

/** The newest attempt that was submitted, else the newest. */
export function newestAttempt({ attempts }: FoundRun): FoundAttempt | undefined {
  return attempts.findLast(({ jobs }) => jobs.announced !== undefined) ?? attempts.at(-1);
}

/** The attempt that the user gave a command for, of which this one is the continuation; itself where it is none. */
export function headOf(run: FoundRun, attempt: FoundAttempt): FoundAttempt {
  const earlier = run.attempts.find((candidate) => candidate.attempt === attempt.continues);
  return earlier === undefined ? attempt : headOf(run, earlier);
}

/** The jobs of an attempt that the scheduler has accepted. */
export function jobsOf(run: FoundRun, attempt: FoundAttempt): JobRef[] {
  const ids = [...attempt.jobs.arrays.map(({ job }) => job), attempt.jobs.finish].filter(
    (id) => id !== undefined,
  );
  return ids.map((id) => ({ id, directory: run.paths.root }));
}
