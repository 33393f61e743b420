import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { BcopyError, exitCodes } from '../../core/model/errors.ts';
import type { LogsOptions } from '../job-options.ts';
import { type FoundAttempt, type FoundRun, findRunOfJob, readRun } from '../steps/find-run.ts';
import { headOf } from '../steps/run-jobs.ts';
import { isBusy } from '../steps/run-phase.ts';
import { readRunStatus } from '../steps/run-status.ts';
import { schedulerOf } from '../steps/scheduler-of-run.ts';
import type { CommandContext } from './context.ts';

const followMs = 500;

/** `bcopy logs JOBID`: JOBID.log of a run, or the log of the task that has a shard; --err the other file, --follow to the end. */
export async function logs(options: LogsOptions, context: CommandContext): Promise<number> {
  const run = await findRunOfJob(options.job, context.environment);
  const file = fileOf(run, options);
  if (!options.follow) return (await print(file, 0, context)) < 0 ? missing(options, file) : exitCodes.done;
  return follow(run, file, options, context);
}

function fileOf(run: FoundRun, { shard, job, err }: LogsOptions): string {
  const ending = err ? 'err' : 'log';
  const named = run.attempts.filter(({ jobs }) =>
    [...jobs.arrays.map(({ job: id }) => id), jobs.finish].includes(job),
  );
  if (shard === undefined) {
    const told = named[0] && headOf(run, named[0]).jobs.announced;
    return run.paths.userLog(told ?? job, ending);
  }
  for (const attempt of [
    ...run.attempts.filter((candidate) => isOfChain(run, candidate, named)).toReversed(),
    ...run.attempts.toReversed(),
  ]) {
    const array = attempt.arrays.find(({ base, tasks }) => tasks.includes(shard - base));
    const id = attempt.jobs.arrays.find(({ number }) => number === array?.number)?.job;
    if (array !== undefined && id !== undefined)
      return `${run.paths.logs(attempt.attempt)}/${id}_${shard - array.base}.${ending}`;
  }
  throw new BcopyError('runNotFound', `cannot show shard ${shard}: no task of job ${job} had it`, {
    hint: `bcopy status ${job} tells how many there are; where all is there already none needs a task`,
  });
}

/** An attempt that one of these has led to, itself included. */
function isOfChain(run: FoundRun, attempt: FoundAttempt, named: readonly FoundAttempt[]): boolean {
  const head = headOf(run, attempt).attempt;
  return named.some((one) => one.attempt === attempt.attempt || one.attempt === head);
}

function missing({ shard }: LogsOptions, file: string): never {
  throw new BcopyError(
    'runNotFound',
    shard === undefined
      ? `cannot show the log: ${file} is gone`
      : `cannot show shard ${shard}: its task has not started`,
    {
      hint: 'bcopy logs JOBID --follow waits for it',
    },
  );
}

/** Prints what is new in a file; a shorter file than before was written anew and is printed from its beginning. */
async function print(file: string, from: number, { stdout }: CommandContext): Promise<number> {
  const size = await stat(file).then(
    (status) => status.size,
    () => -1,
  );
  const start = size < from ? 0 : from;
  if (size > start)
    for await (const chunk of createReadStream(file, { start, end: size - 1 }))
      if (!stdout.write(chunk)) await new Promise((resolve) => stdout.once('drain', resolve));
  return size;
}

async function follow(
  run: FoundRun,
  file: string,
  { shard }: LogsOptions,
  context: CommandContext,
): Promise<number> {
  const scheduler = await schedulerOf(run, context);
  for (let at = 0; ; await setTimeout(followMs, undefined, { signal: context.signal })) {
    const { phase, shards } = await readRunStatus(await readRun(run.info.id), scheduler);
    at = Math.max(0, await print(file, at, context));
    const isShardOver =
      shard !== undefined && !['pending', 'running', 'stuck'].includes(shards[shard]?.phase ?? '');
    if (isShardOver || !isBusy(phase)) return exitCodes.done;
  }
}
