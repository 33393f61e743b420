import type { Algorithm } from '../../model/algorithm.ts';
import { EntryComparer } from './compare-entries.ts';
import type { CompareJob, Comparison } from './compare-jobs.ts';
import { FileHasher, makeHashers } from './hash-files.ts';
import type { Hashing, HashJob } from './hash-jobs.ts';
import { answerJobs } from './job-threads.ts';

/** What a thread is for: one of both. */
export type ProofData =
  | { readonly comparison: Comparison }
  | { readonly hashing: Hashing; readonly algorithms: readonly Algorithm[] };

type Port = Parameters<typeof answerJobs>[0];

/** The body of a thread that compares entries, or hashes files. */
export async function answerProofs(port: Port, data: ProofData): Promise<void> {
  if ('comparison' in data) return answerComparisons(port, new EntryComparer(data.comparison));
  const hasher = new FileHasher(data.hashing, await makeHashers(data.algorithms));
  answerJobs(
    port,
    (job) => hasher.hash(job as HashJob),
    () => hasher.close(),
  );
}

function answerComparisons(port: Port, comparer: EntryComparer): void {
  const answer = (job: unknown) => {
    const asked = job as CompareJob;
    return asked.kind === 'entries' ? comparer.compare(asked) : comparer.compareRange(asked);
  };
  answerJobs(port, answer, () => comparer.close());
}
