import { type Account, isComplete } from '../../core/model/account.ts';
import { hasPhases, hasPhaseToFollow } from '../../core/model/phase.ts';
import type { Plan } from '../../core/model/plan.ts';
import { type Next, readNext } from '../../core/run/next-file.ts';
import { paceOfAttempt } from '../../core/run/pace.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { isRemovalWhole } from '../../core/run/removals.ts';
import type { RunInfo } from '../../core/run/run-info.ts';
import { accountOfRun, type RunState, readRunState, shardsWithWorkLeft } from '../../core/run/run-state.ts';
import { isVerificationWhole, unverifiedShards } from '../../core/run/to-verify.ts';
import { accountOfTree, readTreeWork, type TreeWork } from '../../core/run/tree-work.ts';
import type { Scheduler, TaskState } from '../schedulers/scheduler.ts';
import { type FoundAttempt, type FoundRun, readRun } from './find-run.ts';
import { headOf, jobsOf, newestAttempt } from './run-jobs.ts';
import { isEnding, phaseOf, type RunPhase } from './run-phase.ts';
import { type ShardStatus, shardStatus } from './shard-status.ts';

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
