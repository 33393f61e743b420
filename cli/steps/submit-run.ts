import type { Plan } from '../../core/model/plan.ts';
import type { ManifestWish, VerifyWish } from '../../core/run/attempt-wishes.ts';
import { exists } from '../../core/run/files.ts';
import type { RunPaths } from '../../core/run/run-paths.ts';
import type { CommandContext } from '../commands/context.ts';
import { type CopyOptions, comparisonOf, fidelityOf, limitsOf } from '../options.ts';
import type { JobRef, Resources, Scheduler, SchedulerLimits } from '../schedulers/scheduler.ts';
import { announceLogs } from './announce-logs.ts';
import { abandonRun } from './create-run.ts';
import { makeDestination, unmakeDestination } from './destination.ts';
import { indexJob } from './find-run.ts';
import type { CheckedTrees } from './preflight.ts';
import type { Selection } from './read-selection.ts';
import { type PreparedAttempt, prepareAttempt, submitAttempt, type WantedAttempt } from './submit-attempt.ts';

/** A copy that is settled: what was asked, where it runs, and whom to tell. */
export type Copy = {
  readonly options: CopyOptions;
  readonly context: CommandContext;
  readonly trees: CheckedTrees;
  /** What of the source is meant. */
  readonly selection: Selection;
  /** What --manifest asks for. */
  readonly manifest?: ManifestWish | undefined;
  readonly scheduler: Scheduler;
  readonly limits: SchedulerLimits;
  readonly note: (message: string) => void;
};

/** A run with a plan, and what its next attempt covers. */
export type ReadyRun = {
  readonly paths: RunPaths;
  readonly id: string;
  readonly plan: Plan;
  readonly attempt: number;
  readonly shards: readonly number[];
  /** True: this command has made it. What was there before stays, whatever comes of the attempt. */
  readonly isNew: boolean;
};

export type SubmittedRun = {
  readonly id: string;
  readonly attempt: number;
  readonly job: string;
  readonly queue: string;
  readonly entries: number;
};

/**
 * Submits the next attempt of a run. When the scheduler refuses, the run stays for a --retry and the destination as it was. Where the
 * attempt cannot be written down, a new run leaves no trace, and an older one is as it was.
 */
export async function submitRun(
  copy: Copy,
  run: ReadyRun,
  more: Partial<WantedAttempt> = {},
): Promise<SubmittedRun> {
  const { context, note } = copy;
  const submittedAt = new Date(context.now());
  const job = await submit(copy, run, more).catch(async (error: unknown) => {
    const isWritten = await exists(run.paths.attemptInfo(run.attempt));
    if (run.isNew && !isWritten) await abandonRun(run.paths);
    throw error;
  });
  await announceLogs(run.paths, { job: job.id, attempt: run.attempt, submittedAt, note });
  await indexJob(job.id, run.id, context.environment);
  return {
    id: run.id,
    attempt: run.attempt,
    job: job.id,
    queue: queueOf(copy),
    entries: run.plan.totals.entries,
  };
}

async function submit(copy: Copy, run: ReadyRun, more: Partial<WantedAttempt>): Promise<JobRef> {
  const { trees, scheduler } = copy;
  const prepared = await prepare(copy, run, more);
  const isMade = more.phase === undefined && (await makeDestination(trees.destination, trees.roots));
  return submitAttempt(run.paths, prepared, scheduler).catch(async (error: unknown) => {
    if (isMade) await unmakeDestination(trees.destination.path);
    throw error;
  });
}

/** Writes the next attempt down without submitting it; `more` is what is another than the options have it. */
export async function prepare(
  copy: Copy,
  run: ReadyRun,
  more: Partial<WantedAttempt> = {},
): Promise<PreparedAttempt> {
  const { options, context, scheduler, limits } = copy;
  const workerLimits = limitsOf(options);
  const attempt: WantedAttempt = {
    attempt: run.attempt,
    queue: queueOf(copy),
    workers: workersOf(copy),
    cpus: options.cpusPerTask,
    threads: options.threads,
    limits: Object.keys(workerLimits).length === 0 ? undefined : workerLimits,
    checkpointSeconds: options.checkpoint,
    sync: options.sync,
    fidelity: fidelityOf(options),
    compare: comparisonOf(options),
    verbose: options.verbose,
    tries: options.tries,
    maxAttempts: options.noContinue ? undefined : options.maxAttempts,
    ...(options.delete === undefined ? {} : { delete: { to: options.delete, max: options.maxDelete } }),
    ...(options.verify === 'none' ? {} : { verify: verifyWish(options.verify, options) }),
    ...(copy.manifest === undefined ? {} : { manifest: copy.manifest }),
    ...more,
    submission: {
      resources: resourcesOf(copy),
      templates: options.templates,
      node: options.node,
      worker: options.workerBundle,
    },
  };
  const { paths, id: runId, shards } = run;
  return prepareAttempt({ paths, runId, shards, attempt, version: context.version }, scheduler, limits);
}

function verifyWish(by: 'size' | 'checksum', { modifyWindow }: CopyOptions): VerifyWish {
  return { by, mends: true, ...(modifyWindow === 0 ? {} : { windowSeconds: modifyWindow }) };
}

/** What the user wants, else some tasks that each have their own CPUs, or as many as the CPUs of this machine are enough for. */
export function workersOf({ options: { workers, cpusPerTask }, limits: { cpus } }: Copy): number {
  if (workers !== undefined) return workers;
  return cpus === undefined ? 8 : Math.max(1, Math.floor(cpus / cpusPerTask));
}

/** The user's partition, else `copy` where the cluster has one, else the cluster's default. */
function queueOf({ options, limits }: Copy): string {
  if (options.partition !== undefined) return options.partition;
  return limits.partitions.includes('copy') ? 'copy' : limits.defaultPartition;
}

function resourcesOf(copy: Copy): Resources {
  const { account, qos, time, mem, constraint, reservation, mailUser, mailType, partition, sbatchArg } =
    copy.options;
  const isChosen = partition !== undefined || copy.limits.partitions.includes('copy');
  const wanted = {
    account,
    qos,
    time,
    mem,
    constraint,
    reservation,
    mailUser,
    mailType,
    partition: isChosen ? queueOf(copy) : undefined,
  };
  const given = Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(given), extraArguments: sbatchArg };
}
