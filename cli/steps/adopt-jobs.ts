import { writeSubmitted } from '../../core/run/submitted-file.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { type FoundAttempt, type FoundRun, readRun } from './find-run.ts';
import { explainRunError } from './run-errors.ts';
import { jobName } from './submit-attempt.ts';

/**
 * Looks for jobs of the newest attempt that were accepted without anybody having noted their numbers: a command that
 * was killed in the middle of submitting leaves such. Returns the run with what was found.
 */
export async function adoptJobs(run: FoundRun, scheduler: Scheduler): Promise<FoundRun> {
  const attempt = run.attempts.at(-1);
  const missing = attempt === undefined ? [] : missingJobs(attempt);
  if (attempt === undefined || missing.length === 0) return run;
  for (const array of missing) {
    const name = jobName(run.info.id, attempt.attempt, array);
    const found = await scheduler.find({ name, directory: run.paths.root });
    if (found !== undefined) await note(run, attempt, array, found.id);
  }
  return readRun(run.info.id);
}

async function note(
  { paths }: FoundRun,
  { attempt }: FoundAttempt,
  ...job: [number | 'finish', string]
): Promise<void> {
  await writeSubmitted(paths, attempt, ...job).catch((error: unknown) => {
    throw explainRunError(error, 'again');
  });
}

function missingJobs({ arrays, jobs }: FoundAttempt): (number | 'finish')[] {
  const noted = new Set(jobs.arrays.map(({ number }) => number));
  const missing = arrays.map(({ number }) => number).filter((number) => !noted.has(number));
  return jobs.finish === undefined ? [...missing, 'finish'] : missing;
}
