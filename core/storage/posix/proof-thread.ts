import type { Algorithm } from '../../model/algorithm.ts';
import type { Comparison } from './compare-jobs.ts';
import { answerComparisons } from './compare-thread.ts';
import { FileHasher, makeHashers } from './hash-files.ts';
import type { Hashing, HashJob } from './hash-jobs.ts';
import { answerJobs, type JobPort } from './job-threads.ts';
import { type SharedLimits, setLimits } from './limits.ts';

/** What a thread is for: one of both. */
export type ProofData =
  | { readonly comparison: Comparison }
  | {
      readonly hashing: Hashing;
      readonly algorithms: readonly Algorithm[];
      readonly limits?: SharedLimits | undefined;
    };

/** The body of a thread that compares entries, or hashes files. */
export async function answerProofs(port: JobPort, data: ProofData): Promise<void> {
  if ('comparison' in data) return answerComparisons(port, data.comparison);
  setLimits(data.limits);
  const hasher = new FileHasher(data.hashing, await makeHashers(data.algorithms));
  answerJobs(
    port,
    (job) => hasher.hash(job as HashJob),
    () => hasher.close(),
  );
}
