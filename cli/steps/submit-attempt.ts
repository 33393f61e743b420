import fsExtra from 'fs-extra';
import { type Attempt, writeAttempt } from '../../core/run/attempt-file.ts';
import type { Submission } from '../../core/run/attempt-wishes.ts';
import { exists, makeDirectory, writeOnce } from '../../core/run/files.ts';
import type { RunPaths } from '../../core/run/run-paths.ts';
import { writeSubmitted } from '../../core/run/submitted-file.ts';
import type { JobRef, JobRequest, Scheduler, SchedulerLimits } from '../schedulers/scheduler.ts';
import { renderJobScript } from './job-script.ts';
import { explainRunError, isRunError } from './run-errors.ts';

/** An attempt as far as it does not depend on the scheduler. */
export type WantedAttempt = Omit<Attempt, 'createdAt' | 'scheduler' | 'arrays' | 'submission'> & {
  readonly submission: Submission;
};

export type SubmitRequest = {
  readonly paths: RunPaths;
  readonly runId: string;
  readonly version: string;
  /** The shards with work left, ascending; empty when only finish is to be done again. */
  readonly shards: readonly number[];
  readonly attempt: WantedAttempt;
  /** The same shards, in groups that are not to be worked on on some nodes; left out: on any. */
  readonly apart?: readonly ShardGroup[] | undefined;
};

/** Shards whose tasks are to run on other nodes than these. */
export type ShardGroup = { readonly shards: readonly number[]; readonly notOn: readonly string[] };

/** Everything that the scheduler will be asked for, written down before it is asked. */
export type PreparedAttempt = {
  readonly attempt: Attempt;
  readonly arrays: readonly JobRequest[];
  readonly finish: JobRequest;
};

/**
 * Writes the attempt and its scripts into the run directory; submits nothing. Where they cannot be written, nothing is left of
 * them.
 */
export async function prepareAttempt(
  request: SubmitRequest,
  scheduler: Scheduler,
  limits: SchedulerLimits,
): Promise<PreparedAttempt> {
  const { paths, attempt } = request;
  const isRepeated = await exists(paths.attemptInfo(attempt.attempt));
  try {
    return await writePrepared(request, scheduler, limits);
  } catch (error) {
    if (!isRepeated) await forgetAttempt(paths, attempt.attempt);
    throw explainRunError(error, nextAfter(attempt.attempt));
  }
}

/** Takes away what was written of an attempt that nobody has submitted. */
export async function removeAttempt(paths: RunPaths, attempt: number): Promise<void> {
  await fsExtra.remove(paths.attempt(attempt));
  await fsExtra.remove(paths.logs(attempt));
}

/** The same where there is something else to tell than that it cannot be removed. */
async function forgetAttempt(paths: RunPaths, attempt: number): Promise<void> {
  await removeAttempt(paths, attempt).catch(() => undefined);
}

function nextAfter(attempt: number): 'elsewhere' | 'again' {
  return attempt === 1 ? 'elsewhere' : 'again';
}

function afterCancelled({ phase = 'copy' }: Attempt): 'retry' | 'anew' {
  return phase === 'copy' ? 'retry' : 'anew';
}

async function writePrepared(
  request: SubmitRequest,
  scheduler: Scheduler,
  limits: SchedulerLimits,
): Promise<PreparedAttempt> {
  const { paths } = request;
  const { apart = [{ shards: request.shards, notOn: [] }] } = request;
  const arrays = apart
    .flatMap((group) => arraysFor(group, limits.maxTaskNumber))
    .map((array, number) => ({ ...array, number }));
  const createdAt = new Date().toISOString();
  const attempt: Attempt = { ...request.attempt, createdAt, scheduler: scheduler.kind, arrays };
  const { attempt: number } = attempt;
  for (const directory of [paths.attempt(number), paths.allLogs, paths.logs(number)])
    await makeDirectory(directory);
  const scripts = arrays.map((array) => writeScript(request, 'task', array.number));
  await Promise.all([...scripts, writeScript(request, 'finish')]);
  await writeAttempt(paths, attempt);
  return {
    attempt,
    arrays: arrays.map((array) => arrayRequest(request, array)),
    finish: finishRequest(request),
  };
}

async function writeScript(request: SubmitRequest, kind: 'task' | 'finish', array = 0): Promise<void> {
  const { runId, version } = request;
  const { attempt, submission } = request.attempt;
  const { node, worker, templates } = submission;
  const text = await renderJobScript(kind, { runId, attempt, array, node, worker, version }, templates);
  await writeOnce(request.paths.script(attempt, kind, array), text);
}

/** Task `t` of array `k` is shard `base + t`, so a task has its shard's number as long as one array is enough. */
function arraysFor({ shards, notOn }: ShardGroup, maxTaskNumber: number): Attempt['arrays'] {
  const size = maxTaskNumber + 1;
  const byBase = new Map<number, number[]>();
  for (const shard of shards) {
    const base = Math.floor(shard / size) * size;
    byBase.set(base, [...(byBase.get(base) ?? []), shard - base]);
  }
  const more = notOn.length === 0 ? {} : { notOn: [...notOn] };
  return [...byBase].map(([base, tasks], number) => ({ number, base, tasks, ...more }));
}

/** Unique to run, attempt and array, so that a job can be found again whose number was never heard. */
export function jobName(runId: string, attempt: number, array: number | 'finish'): string {
  return `bcopy-${runId}-${attempt}-${array}`;
}

function arrayRequest(
  request: SubmitRequest,
  { number, tasks, notOn }: Attempt['arrays'][number],
): JobRequest {
  const { paths, shards } = request;
  const { attempt, workers, cpus, submission } = request.attempt;
  const { resources } = submission;
  const excludeNodes = [...new Set([...(resources.excludeNodes ?? []), ...(notOn ?? [])])];
  // Those that are apart run side by side
  const share = notOn === undefined ? 1 : tasks.length / shards.length;
  return {
    name: jobName(request.runId, attempt, number),
    script: paths.script(attempt, 'task', number),
    directory: paths.root,
    output: `logs/${attempt}/%A_%a.log`,
    error: `logs/${attempt}/%A_%a.err`,
    array: { tasks, atOnce: Math.max(1, Math.round(workers * share)) },
    after: [],
    isWarned: true,
    resources: { ...resources, cpusPerTask: cpus, ...(notOn === undefined ? {} : { excludeNodes }) },
  };
}

function finishRequest({ paths, runId, attempt: wanted }: SubmitRequest): JobRequest {
  const { attempt, submission } = wanted;
  return {
    name: jobName(runId, attempt, 'finish'),
    script: paths.script(attempt, 'finish'),
    directory: paths.root,
    output: `logs/${attempt}/%j_finish.log`,
    error: `logs/${attempt}/%j_finish.err`,
    after: [],
    resources: { ...submission.resources, cpusPerTask: 1 },
  };
}

/**
 * Submits the arrays, one after another so that no more than the workers wanted run at once (those that are to be apart share
 * them), and finish after them.
 * When the scheduler refuses one, those before it are cancelled: an attempt runs whole or not at all. Returns
 * the job whose number is announced.
 */
export async function submitAttempt(
  paths: RunPaths,
  prepared: PreparedAttempt,
  scheduler: Scheduler,
): Promise<JobRef> {
  const jobs: JobRef[] = [];
  const { attempt } = prepared.attempt;
  try {
    for (const [number, array] of prepared.arrays.entries()) {
      const isApart = prepared.attempt.arrays[number]?.notOn !== undefined;
      jobs.push(await scheduler.submit({ ...array, after: isApart ? [] : jobs.slice(-1) }));
      await writeSubmitted(paths, attempt, number, jobs.at(-1)!.id);
    }
    jobs.push(await scheduler.submit({ ...prepared.finish, after: jobs.slice() }));
    await writeSubmitted(paths, attempt, 'finish', jobs.at(-1)!.id);
  } catch (error) {
    if (jobs.length > 0) await scheduler.cancel(jobs).catch(() => undefined);
    else if (isRunError(error)) await forgetAttempt(paths, attempt);
    throw explainRunError(error, jobs.length > 0 ? afterCancelled(prepared.attempt) : nextAfter(attempt));
  }
  return jobs[0]!;
}
