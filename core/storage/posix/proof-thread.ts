import { EntryComparer } from './compare-entries.ts';
import type { CompareJob, Comparison } from './compare-jobs.ts';
import { answerJobs } from './job-threads.ts';

export type ProofData = { readonly comparison: Comparison };

/** The body of a thread that compares entries. */
export async function answerProofs(
  port: Parameters<typeof answerJobs>[0],
  { comparison }: ProofData,
): Promise<void> {
  const comparer = new EntryComparer(comparison);
  const answer = (job: unknown) => {
    const asked = job as CompareJob;
    return asked.kind === 'entries' ? comparer.compare(asked) : comparer.compareRange(asked);
  };
  answerJobs(port, answer, () => comparer.close());
}
