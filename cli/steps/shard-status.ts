import type { RunState } from '../../core/run/run-state.ts';
import type { TaskState } from '../schedulers/scheduler.ts';
import type { FoundAttempt } from './find-run.ts';

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

/** What is known of one shard: `tasks` are all of the attempt, undefined where the scheduler gave no answer. */
export function shardStatus(
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
