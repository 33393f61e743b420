import { addTally, emptyTally, type Tally } from '../model/outcome.ts';
import type { RunState } from './run-state.ts';
import type { JournalSummary } from './shard-state.ts';

/** How one attempt went: from its first worker's beginning to its last worker's end, and what it copied meanwhile. */
export type Pace = {
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Undefined while a worker has not written its end line. */
  readonly endedAt: number | undefined;
  readonly elapsedMs: number;
  readonly bytesPerSecond: number;
  readonly entriesPerSecond: number;
};

/**
 * Undefined when no worker of the attempt has begun. `now` stands for the end of what has none; without it, when all
 * workers are known to be gone, the last time that is known does.
 */
export function paceOfAttempt(state: RunState, attempt: number, now?: number): Pace | undefined {
  const journals = journalsOfAttempt(state, attempt);
  if (journals.length === 0) return undefined;
  const startedAt = Math.min(...journals.map((journal) => Date.parse(journal.startedAt)));
  const isOver = journals.every((journal) => journal.endedAt !== undefined);
  const last = Math.max(...journals.map((journal) => Date.parse(journal.endedAt ?? journal.startedAt)));
  const endedAt = isOver ? last : undefined;
  const elapsedMs = Math.max(1, (endedAt ?? now ?? last) - startedAt);
  const copied = sumOf(journals);
  const perSecond = (amount: number) => (amount * 1000) / elapsedMs;
  return {
    startedAt,
    endedAt,
    elapsedMs,
    bytesPerSecond: perSecond(copied.bytes),
    entriesPerSecond: perSecond(copied.entries),
  };
}

/** The workers of one attempt, each with the number of its shard. */
export function journalsOfAttempt(
  state: RunState,
  attempt: number,
): (JournalSummary & { readonly shard: number })[] {
  return state.shards.flatMap(({ journals }, shard) =>
    journals.filter(({ name }) => name.attempt === attempt).map((journal) => ({ ...journal, shard })),
  );
}

function sumOf(journals: readonly JournalSummary[]): Tally {
  const sum = emptyTally();
  for (const { copied } of journals) addTally(sum, copied);
  return sum;
}
