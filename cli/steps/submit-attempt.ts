import { lstat, writeFile } from 'node:fs/promises';
import fsExtra from 'fs-extra';
import { type Attempt, writeAttempt } from '../../core/run/attempt-file.ts';
import type { Submission } from '../../core/run/attempt-wishes.ts';
import { replaceFile, writeOnce } from '../../core/run/files.ts';
import type { RunPaths } from '../../core/run/run-paths.ts';
import { writeSubmitted } from '../../core/run/submitted-file.ts';
import type { JobRef, JobRequest, Scheduler, SchedulerLimits } from '../schedulers/scheduler.ts';
import { renderJobScript } from './job-script.ts';

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

/** Writes the attempt and its scripts into the run directory; submits nothing. */
export async function prepareAttempt(
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
  await fsExtra.ensureDir(paths.attempt(number), { mode: 0o700 });
  await fsExtra.ensureDir(paths.logs(number), { mode: 0o700 });
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
    throw error;
  }
  return jobs[0]!;
}

/** JOBID.log and JOBID.err where the user stands, from the moment of submission; finish writes them whole. */
export async function announceLogs(
  paths: RunPaths,
  job: string,
  attempt: number,
  submittedAt: Date,
): Promise<void> {
  const tasks = `${paths.root}/logs/${attempt}/`;
  const text = `bcopy: job ${job} is submitted; this file is written when it has ended\ntasks' logs are in ${tasks}\n`;
  await announce(paths.userLog(job, 'log'), text, submittedAt);
  await announce(paths.userLog(job, 'err'), '', submittedAt);
}

/** Leaves a file alone that finish has been quick enough to write; one of an older job with the same number is replaced. */
async function announce(file: string, text: string, submittedAt: Date): Promise<void> {
  const earlier = await lstat(file).catch(() => undefined);
  if (earlier === undefined) return writeFile(file, text, { flag: 'wx' }).catch(ignoreExisting);
  if (earlier.mtime < submittedAt) await replaceFile(file, text);
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
