import { byTime, isKnownByStamp } from '../core/model/compare.ts';
import type { ShardState } from '../core/run/shard-state.ts';
import type { TaskContext } from './task-context.ts';

/** What the scan saw is old news after this time. */
const freshMs = 3_600_000;

/**
 * Whether files are believed to be at the source what they were when it was scanned. Only the first worker on a shard does, soon after
 * the scan: one that comes later, after a night in a queue or a mended fault, looks at both sides.
 */
export function mayLook(
  { info, journal, attempt, hasDoubts }: TaskContext,
  state: ShardState,
  now: number,
): boolean {
  const isFirst = journal.attempt === 1 && journal.restart === 0 && state.journals.length === 0;
  // What the scan has not found to be the same is not
  if (state.skipped.entries > 0) return false;
  const isKnown = isKnownByStamp(attempt.compare ?? byTime);
  return isFirst && isFresh(info, now) && isKnown && !hasDoubts && !info.destination.isNew;
}

/** The same of what the scan has found to be the same: neither the first worker on a shard looks at that again, nor the first finish. */
export function believesScan(
  { info, journal, hasDoubts }: Pick<TaskContext, 'info' | 'journal' | 'hasDoubts'>,
  now: number,
): boolean {
  return journal.attempt === 1 && journal.restart === 0 && isFresh(info, now) && !hasDoubts;
}

function isFresh({ createdAt }: TaskContext['info'], now: number): boolean {
  return Math.abs(now - Date.parse(createdAt)) < freshMs;
}
