import { hostname } from 'node:os';
import { meaningOf } from '../core/model/advice.ts';
import { BcopyError } from '../core/model/errors.ts';
import { fullFidelity } from '../core/model/fidelity.ts';
import type { Plan } from '../core/model/plan.ts';
import { type Attempt, readAttempt } from '../core/run/attempt-file.ts';
import { hasDoubts, writeDoubt } from '../core/run/doubt-file.ts';
import { refuseForeign } from '../core/run/own-directory.ts';
import { readPlan } from '../core/run/plan-file.ts';
import { type RunInfo, readRunInfo } from '../core/run/run-info.ts';
import { type JournalName, RunPaths } from '../core/run/run-paths.ts';
import { shareLimits } from '../core/storage/posix/limits.ts';
import type { PosixStorageRequest } from '../core/storage/posix/posix-storage.ts';
import type { Storage } from '../core/storage/storage.ts';
import { memoryOf } from './thread-count.ts';

/** What SLURM, or the local scheduler in its place, says about this process. */
export type SlurmEnvironment = Readonly<Record<string, string | undefined>>;

/** Everything a worker knows before it begins: it stands in its run directory. */
export type TaskContext = {
  readonly paths: RunPaths;
  readonly info: RunInfo;
  readonly plan: Plan;
  readonly attempt: Attempt;
  readonly journal: JournalName;
  /** As people know it: `123_4`, or `123` for finish. */
  readonly job: string;
  /** Of this task. */
  readonly cpus: number;
  /** What SLURM lets this task use; undefined where it does not say. */
  readonly memoryMB: number | undefined;
  /** True when what is at the destination without a record cannot be believed to be whole. */
  readonly hasDoubts: boolean;
};

export async function readTaskContext(
  attemptNumber: number,
  array: number | 'finish',
  environment: SlurmEnvironment,
): Promise<TaskContext> {
  const paths = new RunPaths('.');
  await refuseForeign(paths.root);
  const [info, plan, attempt] = [
    await readRunInfo(paths),
    await readPlan(paths),
    await readAttempt(paths, attemptNumber),
  ];
  const shard = array === 'finish' ? array : shardOf(plan, attempt, array, environment);
  const restart = Number(environment.SLURM_RESTART_COUNT ?? 0);
  const host = hostname().replace(/[^A-Za-z0-9]/g, '-');
  const { SLURMD_NODENAME: node } = environment;
  const own = { shard, attempt: attemptNumber, restart, host, pid: process.pid };
  const journal = node === undefined ? own : { ...own, node };
  const cpus = Number(environment.SLURM_CPUS_PER_TASK) || attempt.cpus || 1;
  const memoryMB = memoryOf(environment, cpus);
  const job = jobOf(array, environment);
  return { paths, info, plan, attempt, journal, job, cpus, memoryMB, hasDoubts: await hasDoubts(paths) };
}

function shardOf(plan: Plan, attempt: Attempt, number: number, environment: SlurmEnvironment): number {
  const array = attempt.arrays.find((candidate) => candidate.number === number);
  const task = Number(environment.SLURM_ARRAY_TASK_ID ?? Number.NaN);
  const shard = (array?.base ?? Number.NaN) + task;
  if (plan.shards[shard] !== undefined) return shard;
  throw new BcopyError(
    'runDamaged',
    `cannot find the work of this task: array ${number}, task ${environment.SLURM_ARRAY_TASK_ID ?? 'not set'}`,
  );
}

function jobOf(array: number | 'finish', environment: SlurmEnvironment): string {
  const job = environment.SLURM_ARRAY_JOB_ID ?? environment.SLURM_JOB_ID ?? '0';
  return array === 'finish' ? job : `${job}_${environment.SLURM_ARRAY_TASK_ID}`;
}

/** What opens the two trees, in this thread or another: plain data. */
export function storageRequest(
  context: TaskContext,
  range: { from: number; to: number } | undefined,
): PosixStorageRequest {
  const { info, journal, attempt } = context;
  const isFirst = journal.attempt === 1 && journal.restart === 0;
  return {
    source: info.source?.path ?? '',
    destination: info.destination.path,
    sourceInode: info.source?.inode ?? '',
    roots: info.roots,
    destinationInode: info.destination.inode,
    writer: { run: info.id, attempt: journal.attempt, restart: journal.restart, pid: journal.pid },
    cleanUp: isFirst ? undefined : range,
    mayExist: !isFirst || !info.destination.isNew,
    fidelity: attempt.fidelity ?? fullFidelity,
    compare: attempt.compare,
    begunAtMs: Date.parse(info.createdAt),
    limits: shareLimits(attempt.limits ?? {}),
    syncsFiles: attempt.sync === 'file',
    doubtsFiles: context.hasDoubts,
  };
}

/**
 * What a checkpoint does before it records. When the disk refuses, the worker ends without a record, and its successors
 * are told to copy again what they find there without one.
 */
export function syncOf(context: TaskContext, storage: Storage): () => Promise<void> {
  const { attempt, paths, journal } = context;
  if (attempt.sync === 'none') return async () => {};
  return () =>
    storage
      .sync()
      .catch((error: unknown) => explainSync(error, (cause) => writeDoubt(paths, journal, cause)));
}

async function explainSync(error: unknown, doubt: (cause: string) => Promise<void>): Promise<never> {
  const { action, cause } = error as { action?: string; cause?: string };
  if (action === undefined || cause === undefined) throw error;
  await doubt(cause);
  throw new BcopyError('destinationUnwritable', `cannot ${action} on ${hostname()}: ${meaningOf(cause)}`, {
    hint: 'what was copied since the last checkpoint is in no record; --retry when the destination is well again',
  });
}
