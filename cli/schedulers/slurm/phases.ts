import type { TaskPhase } from '../scheduler.ts';

/** The first word of a state, without what sacct adds: `CANCELLED by 1001`, `COMPLETED+`. */
export function toStateWord(state: string): string {
  return /^[A-Z_]+/.exec(state.trim())?.[0] ?? state.trim();
}

/** What a state of SLURM's means here; a word that is not in the table is `unknown`. */
export function toPhase(word: string): TaskPhase {
  return phases.get(word) ?? 'unknown';
}

/** Whether a task with this state and reason waits for something that never comes by itself. */
export function isStuck(word: string, reason: string): boolean {
  return toPhase(word) === 'pending' && (heldStates.has(word) || stuckReasons.has(reason));
}

/** COMPLETING still has processes, or an epilog that cleans up after them. */
const phases: ReadonlyMap<string, TaskPhase> = new Map<string, TaskPhase>([
  ['PENDING', 'pending'],
  ['CONFIGURING', 'pending'],
  ['POWER_UP_NODE', 'pending'],
  ['REQUEUED', 'pending'],
  ['REQUEUE_FED', 'pending'],
  ['REQUEUE_HOLD', 'pending'],
  ['RESV_DEL_HOLD', 'pending'],
  ['SPECIAL_EXIT', 'pending'],
  ['EXPEDITING', 'pending'],
  ['RUNNING', 'running'],
  ['COMPLETING', 'running'],
  ['RESIZING', 'running'],
  ['SIGNALING', 'running'],
  ['STAGE_OUT', 'running'],
  ['STOPPED', 'running'],
  ['SUSPENDED', 'running'],
  ['BOOT_FAIL', 'ended'],
  ['CANCELLED', 'ended'],
  ['COMPLETED', 'ended'],
  ['DEADLINE', 'ended'],
  ['FAILED', 'ended'],
  ['NODE_FAIL', 'ended'],
  ['OUT_OF_MEMORY', 'ended'],
  ['PREEMPTED', 'ended'],
  ['REVOKED', 'ended'],
  ['TIMEOUT', 'ended'],
]);

const heldStates: ReadonlySet<string> = new Set(['REQUEUE_HOLD', 'RESV_DEL_HOLD', 'SPECIAL_EXIT']);

/**
 * Reasons that end only when a person changes the job or the site. Held jobs are among them. Limits that are
 * shared with other jobs (QOSJobLimit, AssocGrp...) are not: they pass when those end; nor are nodes that are down.
 */
const stuckReasons: ReadonlySet<string> = new Set([
  'PartitionTimeLimit',
  'PartitionNodeLimit',
  'PartitionConfig',
  'DependencyNeverSatisfied',
  'InvalidAccount',
  'InvalidQOS',
  'AccountNotAllowed',
  'QOSNotAllowed',
  'BadConstraints',
  'JobHeldAdmin',
  'JobHeldUser',
  'JobHoldMaxRequeue',
  'ReservationDeleted',
  'AssocMaxCpuPerJobLimit',
  'AssocMaxMemPerJob',
  'AssocMaxNodePerJobLimit',
  'AssocMaxWallDurationPerJobLimit',
  'QOSMaxCpuPerJobLimit',
  'QOSMaxMemoryPerJob',
  'QOSMaxNodePerJobLimit',
  'QOSMaxWallDurationPerJobLimit',
  'QOSMinCpuNotSatisfied',
  'QOSMinMemory',
]);
