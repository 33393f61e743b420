import type { Difference } from '../core/model/difference.ts';
import { bytesOf } from '../core/model/entry.ts';
import { leftOutNotes } from '../core/model/fidelity.ts';
import { addTally, emptyTally } from '../core/model/outcome.ts';
import { wholeEntriesOf } from '../core/model/plan.ts';
import type { DiffersLine, JournalRecord } from '../core/run/journal-lines.ts';
import type { RunState } from '../core/run/run-state.ts';
import type { ShardState } from '../core/run/shard-state.ts';
import type { PlacedEntry } from '../core/run/tape-reader.ts';
import type { TaskOptions } from './task.ts';
import type { TaskContext } from './task-context.ts';
import type { ComparedEntries } from './verify-entries.ts';
import type { VerifyRecords } from './verify-records.ts';

/** The task that compares, as far as what it finds needs it. */
export type FindingsParts = {
  readonly context: TaskContext;
  readonly state: RunState;
  /** The attempt that has begun the comparison. */
  readonly since: number;
  readonly records: VerifyRecords;
  readonly options: TaskOptions;
};

/** Entries that were compared together. */
export type ComparedBatch = {
  /** Also those that were not wanted. */
  readonly entries: readonly PlacedEntry[];
  readonly wanted: readonly PlacedEntry[];
  /** Those of them that were looked at. */
  readonly readable: readonly PlacedEntry[];
};

/** What a task that compares has found in its shard: told to people, and recorded. */
export class VerifyFindings {
  readonly #parts: FindingsParts;
  readonly #done: ShardState['done'];
  /** What only root can make was left out, and told then. */
  readonly #lacksDevices: boolean;
  #found: 'complete' | 'differences' | 'failures';

  constructor(parts: FindingsParts, shard: number) {
    this.#parts = parts;
    this.#done = parts.state.shards[shard]!.done;
    this.#lacksDevices = parts.state.notes.has(leftOutNotes.device);
    this.#found = hasOpenIn(parts, shard) ? 'differences' : 'complete';
  }

  /** In one word, also of what earlier workers of the same comparison have found. */
  get found(): 'complete' | 'differences' | 'failures' {
    return this.#found;
  }

  /** Records differences, but those that are none for this run; returns the others. */
  tell(differs: readonly DiffersLine[]): DiffersLine[] {
    const real = differs.filter((line) => !(this.#lacksDevices && isDevice(line)) && !this.#isExtra(line));
    for (const line of real) {
      this.#parts.options.log.difference(line);
      if (line.kind !== 'unreadable') this.#found = 'differences';
      else if (this.#found === 'complete') this.#found = 'failures';
    }
    this.#parts.records.take(...real);
    return real;
  }

  /** What has gone from the source since it was copied stays, like all that only the destination has. */
  #isExtra({ kind }: DiffersLine): boolean {
    return kind === 'extra' && this.#parts.context.attempt.verify!.extras !== true;
  }

  /** An entry that is not recorded and is as it should be needs no copy: it is skipped. `differs` are those that `tell` has returned. */
  record(batch: ComparedBatch, { differs, names, bytes, hashed, otherwise }: ComparedEntries): void {
    const { records } = this.#parts;
    const different = new Set(differs.map(({ ordinal }) => ordinal));
    const same = batch.wanted.filter(({ ordinal }) => !different.has(ordinal) && !this.#done.has(ordinal));
    if (names.length > 0) records.take({ type: 'names', files: [...names] });
    records.takeOtherwise(otherwise);
    records.take(...runsOf(same).map(skippedIn));
    const content = { bytes, ...(hashed > 0 && { hashed }) };
    records.take(...this.#verified(batch, content));
  }

  /** The content is told with the first. */
  #verified({ entries, wanted, readable }: ComparedBatch, content: ComparedContent): JournalRecord[] {
    const [isWanted, isReadable] = [new Set(wanted), new Set(readable)];
    const over = entries.filter((placed) => isWanted.has(placed) || this.#done.has(placed.ordinal));
    return runsOf(over).map((run, i): JournalRecord => {
      const [from, to] = [run[0]!.ordinal, run.at(-1)!.ordinal + 1];
      const count = run.filter((placed) => isReadable.has(placed)).length;
      return { type: 'verified', from, to, entries: count, ...(i === 0 ? content : { bytes: 0 }) };
    });
  }
}

type ComparedContent = { readonly bytes: number; readonly hashed?: number };

/** What an earlier worker of the same comparison has found in the shard, and will not be found again. */
function hasOpenIn({ context, state, since }: FindingsParts, shard: number): boolean {
  const { from, to } = wholeEntriesOf(context.plan.shards[shard]!);
  for (const [, entry] of state.verification.openIn(from, to))
    if (entry.since === since && entry.lines.length > 0) return true;
  return false;
}

function isDevice({ kind, detail }: Difference): boolean {
  return kind === 'missing' && detail.endsWith('device');
}

/** Consecutive entries, together. */
function runsOf(entries: readonly PlacedEntry[]): PlacedEntry[][] {
  const runs: PlacedEntry[][] = [];
  for (const placed of entries) {
    const last = runs.at(-1);
    if (last !== undefined && last.at(-1)!.ordinal === placed.ordinal - 1) last.push(placed);
    else runs.push([placed]);
  }
  return runs;
}

function skippedIn(run: readonly PlacedEntry[]): JournalRecord {
  const skipped = emptyTally();
  for (const { entry } of run)
    if (entry.kind !== 'directory' && entry.kind !== 'link')
      addTally(skipped, { entries: 1, bytes: bytesOf(entry) });
  const [from, to] = [run[0]!.ordinal, run.at(-1)!.ordinal + 1];
  return { type: 'done', from, to, copied: emptyTally(), skipped, linked: emptyTally() };
}
