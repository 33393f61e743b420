import type { Kept } from '../model/removal.ts';
import type { Attempt } from './attempt-file.ts';
import type { JournalLine } from './journal-lines.ts';
import type { RunState } from './run-state.ts';

/** So many things that stay are told by their paths; more are counted. */
const keptAtMost = 10_000;

/** What journals say of names that were taken away from the destination. */
export class Removals {
  names = 0;
  entries = 0;
  bytes = 0;
  /** Where they are, below the destination; undefined when they are gone for good. */
  trash: string | undefined;
  /** By shard, of the newest worker that removed: why it ended, and what stays. */
  readonly #last = new Map<number, { reason: string | undefined; kept: Kept[]; more: number }>();

  add(shard: number, line: JournalLine): void {
    if (line.type === 'journal' && line.phase === 'delete')
      this.#last.set(shard, { reason: undefined, kept: [], more: 0 });
    const last = this.#last.get(shard);
    if (last === undefined) return;
    if (line.type === 'removed') {
      this.names++;
      this.entries += line.entries;
      this.bytes += line.bytes;
      this.trash = line.to ?? this.trash;
    } else if (line.type === 'kept') {
      if (last.kept.length < keptAtMost) last.kept.push(line);
      else last.more++;
    } else if (line.type === 'end') last.reason = line.reason;
  }

  get kept(): Kept[] {
    return [...this.#last.values()].flatMap(({ kept }) => kept);
  }

  get keptCount(): number {
    return [...this.#last.values()].reduce((sum, { kept, more }) => sum + kept.length + more, 0);
  }

  /** Shards whose workers have not gone through all that they had to. */
  get unfinished(): number[] {
    const shards = [...this.#last].filter(([, { reason }]) => reason !== 'complete' && reason !== 'failures');
    return shards.map(([shard]) => shard);
  }
}

/** The shards of an attempt that removes, and of those before it, that have to be gone through again. */
export function shardsWithRemovalsLeft(attempt: Attempt, { shards, removals }: RunState): number[] {
  const own = attempt.arrays.flatMap(({ base, tasks }) => tasks.map((task) => base + task));
  const unbegun = own.filter(
    (shard) => !shards[shard]?.journals.some(({ name }) => name.attempt === attempt.attempt),
  );
  return [...new Set([...removals.unfinished, ...unbegun])].sort((a, b) => a - b);
}

/** True when an attempt that removes has come to its end and nothing stays that was to go. */
export function isRemovalWhole(attempt: Attempt, state: RunState): boolean {
  return state.removals.keptCount === 0 && shardsWithRemovalsLeft(attempt, state).length === 0;
}
