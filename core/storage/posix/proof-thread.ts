import type { Algorithm } from '../../model/algorithm.ts';
import type { Comparison } from './compare-jobs.ts';
import { answerComparisons } from './compare-thread.ts';
import { answerForetelling } from './foretell-entries.ts';
import type { ForetellerRequest } from './foreteller.ts';
import { FileHasher, makeHashers } from './hash-files.ts';
import type { Hashing, HashJob } from './hash-jobs.ts';
import { answerJobs, type JobPort } from './job-threads.ts';
import { type SharedLimits, setLimits } from './limits.ts';

/** What a thread is for: one of these. */
export type ProofData =
  | { readonly comparison: Comparison }
  | { readonly foretelling: ForetellerRequest }
  | {
      readonly hashing: Hashing;
      readonly algorithms: readonly Algorithm[];
      readonly limits?: SharedLimits | undefined;
    };

/** The body of a thread that compares or foretells entries, or hashes files. */
export async function answerProofs(port: JobPort, data: ProofData): Promise<void> {
  if ('comparison' in data) return answerComparisons(port, data.comparison);
  if ('foretelling' in data) return answerForetelling(port, data.foretelling);
  setLimits(data.limits);
  const hasher = new FileHasher(data.hashing, await makeHashers(data.algorithms));
  answerJobs(
    port,
    (job) => hasher.hash(job as HashJob),
    () => hasher.close(),
  );
}
