import { type Attempt, readHead } from '../core/run/attempt-file.ts';
import { readRunState } from '../core/run/run-state.ts';
import { readJobs } from '../core/run/submitted-file.ts';
import type { TaskContext } from './task-context.ts';

/** The command that submits notes each job's number right after it was accepted; finish can be quicker than that. */
const patienceMs = 10_000;

/** The number the user was told: the first array's of his attempt, or of its finish when there was no array. */
export async function announcedJob(context: TaskContext): Promise<string> {
  const head = await readHead(context.paths, context.attempt);
  if (head.attempt === context.attempt.attempt) return ownJob(context, head);
  return (await readJobs(context.paths, head)).announced ?? ownJob(context, head);
}

async function ownJob(context: TaskContext, attempt: Attempt): Promise<string> {
  const { paths, job } = context;
  if (attempt.arrays.length === 0) return job;
  const end = Date.now() + patienceMs;
  while (Date.now() < end) {
    const { arrays } = await readJobs(paths, attempt);
    const first = arrays.find(({ number }) => number === 0);
    if (first !== undefined) return first.job;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return (await jobOfJournals(context, attempt)) ?? job;
}

/** The command was ended before it could note the number; the tasks know it too. */
async function jobOfJournals({ paths, plan }: TaskContext, attempt: Attempt): Promise<string | undefined> {
  const { shards } = await readRunState(paths, plan);
  const journals = shards.flatMap((shard) => shard.journals);
  return journals.find(({ name }) => name.attempt === attempt.attempt)?.job.split('_')[0];
}
