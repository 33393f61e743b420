import { type Account, isComplete } from '../../core/model/account.ts';
import { type AttemptPhase, hasPhases, hasPhaseToFollow } from '../../core/model/phase.ts';
import type { Plan } from '../../core/model/plan.ts';
import { type Next, readNext } from '../../core/run/next-file.ts';
import { paceOfAttempt } from '../../core/run/pace.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { isRemovalWhole } from '../../core/run/removals.ts';
import type { RunInfo } from '../../core/run/run-info.ts';
import { accountOfRun, type RunState, readRunState, shardsWithWorkLeft } from '../../core/run/run-state.ts';
import { isVerificationWhole, unverifiedShards } from '../../core/run/to-verify.ts';
import { accountOfTree, readTreeWork, type TreeWork } from '../../core/run/tree-work.ts';
import type { JobRef, Scheduler, TaskState } from '../schedulers/scheduler.ts';
import { type FoundAttempt, type FoundRun, readRun } from './find-run.ts';

/**
 * complete, failed (some entries), running, pending, stuck (the scheduler will never start it), killed (its task
 * ended without its end line), cut off, not started (its task is gone), idle (not in the newest attempt).
 */
export type ShardPhase =
  | 'complete'
  | 'failed'
  | 'running'
  | 'pending'
  | 'stuck'
  | 'killed'
  | 'cut off'
  | 'not started'
  | 'idle';

export type ShardStatus = {
  readonly shard: number;
  readonly phase: ShardPhase;
  readonly task: string;
  readonly node: string;
  readonly reason: string;
  /** The scheduler's own word for its task; empty when it does not know, or was not asked. */
  readonly state: string;
};

export type RunPhase =
  | 'not submitted'
  | 'pending'
  | 'running'
  | 'finishing'
  | 'verifying'
  | 'hashing'
  | 'deleting'
  | 'complete'
  | 'incomplete';

export type Verified = {
  readonly entries: number;
  readonly bytes: number;
  /** Those that nobody has mended. */
  readonly count: number;
  readonly mended: number;
  readonly unreadable: number;
};

export type RunStatus = {
  readonly run: FoundRun;
  /** The newest that was submitted, if any was. */
  readonly attempt: FoundAttempt | undefined;
  /** The number that the user was told for it, or for the attempt that it continues. */
  readonly job: string | undefined;
  /** What follows that attempt; undefined while nothing is decided, and when it is whole. */
  readonly next: Next | undefined;
  readonly phase: RunPhase;
  readonly account: Account;
  readonly shards: readonly ShardStatus[];
  /** Bytes and entries a second over the newest attempt, as far as recorded; undefined before the first record. */
  readonly rate: { readonly bytes: number; readonly entries: number } | undefined;
  readonly remainingMs: number | undefined;
  /** What was compared for the newest comparison, and what of it differs; undefined when there was none. */
  readonly verified: Verified | undefined;
  /** Shards that a --retry would cover. */
  readonly left: readonly number[];
  /** True when finish of the newest attempt has come to its end and no other follows: then JOBID.log is written. */
  readonly isFinished: boolean;
  /** False when the scheduler gave no answer: then the journals alone are told. */
  readonly schedulerAnswered: boolean;
  /** True when nothing of it runs but what the scheduler is about to end. */
  readonly isEnding: boolean;
};

const workingPhases: Readonly<Record<AttemptPhase, RunPhase>> = {
  copy: 'running',
  verify: 'verifying',
  hash: 'hashing',
  delete: 'running',
  remove: 'deleting',
};

/** What a run has come to: the journals first, and the scheduler for what they cannot know. */
export async function readRunStatus(run: FoundRun, scheduler: Scheduler | undefined): Promise<RunStatus> {
  const status = await look(run, scheduler);
  const isSure = status.phase !== 'incomplete' || status.isFinished || scheduler === undefined;
  // What ended after the journals were read, and before the scheduler answered, has its last word in them now
  return isSure ? status : look(await readRun(run.info.id), scheduler);
}

async function look(run: FoundRun, scheduler: Scheduler | undefined): Promise<RunStatus> {
  const plan = await readPlan(run.paths);
  const state = await readRunState(run.paths, plan);
  const attempt = newestAttempt(run);
  const work = await readTreeWork(run.paths, plan, attempt);
  const ofTree = accountOfTree(plan, run.info, work);
  const account = ofTree ?? accountOfRun(plan, state);
  const next = attempt && (await readNext(run.paths, attempt.attempt));
  const facts = { info: run.info, plan, state, account, next, work };
  const isFinished = attempt !== undefined && hasFinished({ ...facts, attempt });
  const tasks = attempt === undefined || isFinished ? [] : await askFor(run, attempt, scheduler);
  const undone =
    attempt?.phase === 'verify'
      ? new Set(unverifiedShards(attempt, run.info, plan, state))
      : work && new Set(work.left);
  const isDone = (shard: number) =>
    undone === undefined ? isCopied(plan, state, shard) : !undone.has(shard);
  const shards = plan.shards.map((_, number) => shardStatus(state, number, attempt, tasks, isDone(number)));
  const left = ofTree !== undefined ? (work?.left ?? []) : shardsWithWorkLeft(plan, state);
  const isWhole = attempt !== undefined && isRunWhole({ ...facts, attempt });
  const phase = phaseOf({ attempt, isFinished, isWhole, shards, tasks });
  const pace = paceOf(state, attempt, account);
  return {
    run,
    attempt,
    job: attempt && headOf(run, attempt).jobs.announced,
    next,
    phase,
    account,
    shards,
    verified: verifiedOf(state),
    left,
    isFinished,
    schedulerAnswered: tasks !== undefined,
    isEnding: tasks !== undefined && isEnding(tasks),
    ...pace,
  };
}

function verifiedOf({ verification }: RunState): Verified | undefined {
  const { since, compared, count, mended, unreadable } = verification;
  return since === 0 ? undefined : { ...compared, count, mended, unreadable };
}

/** The newest attempt that was submitted, else the newest. */
export function newestAttempt({ attempts }: FoundRun): FoundAttempt | undefined {
  return attempts.findLast(({ jobs }) => jobs.announced !== undefined) ?? attempts.at(-1);
}

/** The attempt that the user gave a command for, of which this one is the continuation; itself where it is none. */
export function headOf(run: FoundRun, attempt: FoundAttempt): FoundAttempt {
  const earlier = run.attempts.find((candidate) => candidate.attempt === attempt.continues);
  return earlier === undefined ? attempt : headOf(run, earlier);
}

type EndFacts = {
  readonly attempt: FoundAttempt;
  readonly state: RunState;
  readonly account: Account;
  readonly next: Next | undefined;
  readonly info: RunInfo;
  readonly plan: Plan;
  readonly work: TreeWork | undefined;
};

/** True once finish of an attempt has come to its end, and it is known that no other attempt follows. */
function hasFinished(facts: EndFacts): boolean {
  const { attempt, state, next } = facts;
  const journal = state.finish.journal;
  if (journal?.name.attempt !== attempt.attempt || journal.endedAt === undefined) return false;
  // What was read before the attempt that follows was made
  if (next?.kind === 'again') return false;
  if (next !== undefined || isRunWhole(facts)) return true;
  return attempt.maxAttempts === undefined && !hasPhases(attempt);
}

/** True when everything is copied, and what was to be removed has gone. */
function isRunWhole({ attempt, state, account, next, info, plan, work }: EndFacts): boolean {
  if (!isComplete(account)) return false;
  if (hasPhaseToFollow(attempt)) return next?.kind === 'whole';
  if (work !== undefined) return work.isWhole;
  if (attempt.phase === 'verify') return isVerificationWhole(attempt, info, plan, state);
  return attempt.phase !== 'delete' || isRemovalWhole(attempt, state);
}

export function jobsOf(run: FoundRun, attempt: FoundAttempt): JobRef[] {
  const ids = [...attempt.jobs.arrays.map(({ job }) => job), attempt.jobs.finish].filter(
    (id) => id !== undefined,
  );
  return ids.map((id) => ({ id, directory: run.paths.root }));
}

async function askFor(
  run: FoundRun,
  attempt: FoundAttempt,
  scheduler: Scheduler | undefined,
): Promise<TaskState[] | undefined> {
  return scheduler?.states(jobsOf(run, attempt)).catch(() => undefined);
}

function isCopied(plan: Plan, state: RunState, shard: number): boolean {
  return !state.shards[shard]!.hasWorkLeft(plan.shards[shard]!, (ordinal) => state.finish.files.has(ordinal));
}

function shardStatus(
  state: RunState,
  shard: number,
  attempt: FoundAttempt | undefined,
  tasks: readonly TaskState[] | undefined,
  isDone: boolean,
): ShardStatus {
  const array = attempt?.arrays.find(({ base, tasks: numbers }) => numbers.includes(shard - base));
  const job = attempt?.jobs.arrays.find(({ number }) => number === array?.number)?.job;
  const number = shard - (array?.base ?? 0);
  const known = tasks?.find((task) => task.job === job && task.task === number);
  const journal = state.shards[shard]!.journals.findLast(({ name }) => name.attempt === attempt?.attempt);
  const facts = {
    isDone,
    isInAttempt: array !== undefined,
    known,
    tasks,
    reason: journal?.reason,
    hasBegun: journal !== undefined,
  };
  const task = job === undefined ? '' : `${job}_${number}`;
  return {
    shard,
    phase: shardPhase(facts),
    task,
    node: known?.node || journal?.name.host || '',
    reason: known?.reason ?? '',
    state: known?.state ?? '',
  };
}

type ShardFacts = {
  readonly isDone: boolean;
  readonly isInAttempt: boolean;
  readonly known: TaskState | undefined;
  readonly tasks: readonly TaskState[] | undefined;
  readonly reason: string | undefined;
  readonly hasBegun: boolean;
};

/** The journal's word goes first; a task without an end line is what the scheduler says, or running when it does not answer. */
function shardPhase({ isDone, isInAttempt, known, tasks, reason, hasBegun }: ShardFacts): ShardPhase {
  if (isDone) return 'complete';
  if (!isInAttempt) return 'idle';
  if (known?.phase === 'pending') return known.stuck ? 'stuck' : 'pending';
  if (reason === 'failures' || reason === 'hopeless') return 'failed';
  if (reason !== undefined) return 'cut off';
  const isAlive =
    known === undefined ? tasks === undefined : known.phase === 'running' || known.phase === 'unknown';
  if (isAlive) return hasBegun || known !== undefined ? 'running' : 'pending';
  return hasBegun ? 'killed' : 'not started';
}

function isEnding(tasks: readonly TaskState[]): boolean {
  const alive = tasks.filter(({ phase }) => phase !== 'ended' && phase !== 'gone');
  return alive.length > 0 && alive.every(({ state }) => state === 'COMPLETING');
}

type PhaseFacts = {
  readonly attempt: FoundAttempt | undefined;
  readonly isFinished: boolean;
  readonly isWhole: boolean;
  readonly shards: readonly ShardStatus[];
  readonly tasks: readonly TaskState[] | undefined;
};

function phaseOf({ attempt, isFinished, isWhole, shards, tasks }: PhaseFacts): RunPhase {
  if (attempt?.jobs.announced === undefined) return 'not submitted';
  if (isFinished) return isWhole ? 'complete' : 'incomplete';
  const phases = new Set(shards.map(({ phase }) => phase));
  if (phases.has('running')) return workingPhases[attempt.phase ?? 'copy'];
  if (phases.has('pending') || phases.has('stuck')) return 'pending';
  const finish = tasks?.find(({ job, task }) => job === attempt.jobs.finish && task === undefined);
  const mayCome =
    tasks === undefined || (finish !== undefined && finish.phase !== 'ended' && finish.phase !== 'gone');
  if (!mayCome) return 'incomplete';
  if (attempt.phase === 'verify') return 'verifying';
  if (attempt.phase === 'hash') return 'hashing';
  if (attempt.phase === 'remove') return 'deleting';
  return attempt.phase === 'delete' ? 'deleting' : 'finishing';
}

/** Measured over the newest attempt, and what is left at this pace. */
function paceOf(
  state: RunState,
  attempt: FoundAttempt | undefined,
  account: Account,
): Pick<RunStatus, 'rate' | 'remainingMs'> {
  const pace = attempt === undefined ? undefined : paceOfAttempt(state, attempt.attempt, Date.now());
  if (pace === undefined || pace.bytesPerSecond + pace.entriesPerSecond === 0)
    return { rate: undefined, remainingMs: undefined };
  const rate = { bytes: pace.bytesPerSecond, entries: pace.entriesPerSecond };
  const waits = [
    account.left.bytes / Math.max(1, rate.bytes),
    account.left.entries / Math.max(0.001, rate.entries),
  ];
  return { rate, remainingMs: pace.endedAt === undefined ? Math.max(...waits) * 1000 : undefined };
}
