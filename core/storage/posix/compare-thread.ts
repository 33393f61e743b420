import { EntryComparer } from './compare-entries.ts';
import type { CompareJob, Comparison } from './compare-jobs.ts';
import { answerJobs, type JobPort } from './job-threads.ts';

/** The body of a thread that compares entries. */
export function answerComparisons(port: JobPort, comparison: Comparison): void {
  const comparer = new EntryComparer(comparison);
  answerJobs(
    port,
    (job) => comparer.answer(job as CompareJob),
    () => comparer.close(),
  );
}
