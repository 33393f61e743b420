import type { Next } from '../../core/run/next-file.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { writeReport } from '../../core/run/write-report.ts';
import type { FoundRun } from './find-run.ts';
import { headOf, newestAttempt } from './run-jobs.ts';

/**
 * Writes JOBID.log and JOBID.err of the newest attempt in the stead of a finish that was cancelled or never began. `next` is
 * what follows it, where that is not written down yet.
 */
export async function reportRun(run: FoundRun, next?: Next): Promise<void> {
  const { paths, info } = run;
  const attempt = newestAttempt(run);
  const job = attempt && headOf(run, attempt).jobs.announced;
  if (attempt === undefined || job === undefined) return;
  await writeReport({ paths, info, plan: await readPlan(paths), attempt, job, next });
}
