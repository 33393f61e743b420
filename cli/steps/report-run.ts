import type { Next } from '../../core/run/next-file.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { writeReport } from '../../core/run/write-report.ts';
import type { FoundRun } from './find-run.ts';
import { noteRunError } from './run-errors.ts';
import { headOf, newestAttempt } from './run-jobs.ts';

/**
 * Writes JOBID.log and JOBID.err of the newest attempt in the stead of a finish that was cancelled or never began. `next` is
 * what follows it, where that is not written down yet.
 */
export async function reportRun(run: FoundRun, next?: Next): Promise<void> {
  const { paths, info } = run;
  const attempt = newestAttempt(run);
  const job = announcedJob(run);
  if (attempt === undefined || job === undefined) return;
  await writeReport({ paths, info, plan: await readPlan(paths), attempt, job, next });
}

/** The same for a command that has something else to tell: where they cannot be written, that is told beside it. */
export async function tryToReport(run: FoundRun, note: (message: string) => void): Promise<void> {
  const job = announcedJob(run);
  await reportRun(run).catch((error: unknown) => noteRunError(error, `${job}.log and ${job}.err`, note));
}

function announcedJob(run: FoundRun): string | undefined {
  const attempt = newestAttempt(run);
  return attempt && headOf(run, attempt).jobs.announced;
}
