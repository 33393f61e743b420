import * as z from 'zod/mini';
import type { Attempt } from './attempt-file.ts';
import { count, exists, readJson, writeJsonOnce } from './files.ts';
import type { RunPaths } from './run-paths.ts';

const submittedSchema = z.object({ format: count, job: z.string().check(z.regex(/^\d+$/)), at: z.string() });

/** The jobs of an attempt that the scheduler has accepted; `announced` is the number the user was told. */
export type AttemptJobs = {
  readonly arrays: readonly { readonly number: number; readonly job: string }[];
  readonly finish: string | undefined;
  readonly announced: string | undefined;
};

/** Records that a job was accepted; a retry or a status finds it there. */
export async function writeSubmitted(
  paths: RunPaths,
  attempt: number,
  array: number | 'finish',
  job: string,
): Promise<void> {
  await writeJsonOnce(paths.submitted(attempt, array), { job, at: new Date().toISOString() });
}

/** The jobs of an attempt as far as they are recorded: the scheduler may have accepted one more. */
export async function readJobs(paths: RunPaths, attempt: Attempt): Promise<AttemptJobs> {
  const arrays: { number: number; job: string }[] = [];
  for (const { number } of attempt.arrays) {
    const job = await readSubmitted(paths, attempt.attempt, number);
    if (job !== undefined) arrays.push({ number, job });
  }
  const finish = await readSubmitted(paths, attempt.attempt, 'finish');
  return { arrays, finish, announced: arrays[0]?.job ?? finish };
}

async function readSubmitted(
  paths: RunPaths,
  attempt: number,
  array: number | 'finish',
): Promise<string | undefined> {
  const file = paths.submitted(attempt, array);
  if (!(await exists(file))) return undefined;
  return (await readJson(file, submittedSchema)).job;
}
