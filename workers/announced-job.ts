import { readJobs } from '../core/run/attempt-file.ts';
import { readRunState } from '../core/run/run-state.ts';
import type { TaskContext } from './task-context.ts';

/** The command that submits notes each job's number right after it was accepted; finish can be quicker than that. */
const patienceMs = 10_000;

/** The number the user was told: the first array's, or finish's own when there was no array. */
export async function announcedJob(context: TaskContext): Promise<string> {
  const { paths, attempt, job } = context;
  if (attempt.arrays.length === 0) return job;
  const end = Date.now() + patienceMs;
  while (Date.now() < end) {
    const { arrays } = await readJobs(paths, attempt);
    const first = arrays.find(({ number }) => number === 0);
    if (first !== undefined) return first.job;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return (await jobOfJournals(context)) ?? job;
}

/** The command was ended before it could note the number; the tasks know it too. */
async function jobOfJournals({ paths, plan, attempt }: TaskContext): Promise<string | undefined> {
  const { shards } = await readRunState(paths, plan);
  const journals = shards.flatMap((shard) => shard.journals);
  return journals.find(({ name }) => name.attempt === attempt.attempt)?.job.split('_')[0];
}
