import type { CompareJob, Comparison } from './compare-jobs.ts';
import { Comparer } from './comparer.ts';
import { prepareDigests } from './content-digest.ts';
import { answerJobs, type JobPort } from './job-threads.ts';

/** The body of a thread that compares entries. */
export async function answerComparisons(port: JobPort, comparison: Comparison): Promise<void> {
  if (comparison.knowsDigests === true) await prepareDigests();
  const comparer = new Comparer(comparison);
  answerJobs(
    port,
    (job) => comparer.answer(job as CompareJob),
    () => comparer.close(),
  );
}
