import type { AttemptPhase } from '../../core/model/phase.ts';
import type { TaskState } from '../schedulers/scheduler.ts';
import type { FoundAttempt } from './find-run.ts';
import type { ShardStatus } from './shard-status.ts';

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

const workingPhases: Readonly<Record<AttemptPhase, RunPhase>> = {
  copy: 'running',
  verify: 'verifying',
  hash: 'hashing',
  delete: 'running',
  remove: 'deleting',
};

const phasesAfterTasks: Readonly<Record<AttemptPhase, RunPhase>> = {
  ...workingPhases,
  copy: 'finishing',
  delete: 'deleting',
};

/** True of a run whose jobs may still do something. */
export function isBusy(phase: RunPhase): boolean {
  return phase !== 'not submitted' && phase !== 'complete' && phase !== 'incomplete';
}

/** True when nothing runs but what the scheduler is about to end. */
export function isEnding(tasks: readonly TaskState[]): boolean {
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

/** What a run does, or has come to, by its newest attempt. */
export function phaseOf({ attempt, isFinished, isWhole, shards, tasks }: PhaseFacts): RunPhase {
  if (attempt?.jobs.announced === undefined) return 'not submitted';
  if (isFinished) return isWhole ? 'complete' : 'incomplete';
  const phases = new Set(shards.map(({ phase }) => phase));
  if (phases.has('running')) return workingPhases[attempt.phase ?? 'copy'];
  if (phases.has('pending') || phases.has('stuck')) return 'pending';
  const finish = tasks?.find(({ job, task }) => job === attempt.jobs.finish && task === undefined);
  const mayCome =
    tasks === undefined || (finish !== undefined && finish.phase !== 'ended' && finish.phase !== 'gone');
  return mayCome ? phasesAfterTasks[attempt.phase ?? 'copy'] : 'incomplete';
}
