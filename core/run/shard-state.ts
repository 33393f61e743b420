import {
  addTally,
  type DoneRange,
  type EntryOutcome,
  emptyTally,
  type PartOutcome,
  type Tally,
} from '../model/outcome.ts';
import type { AttemptPhase } from '../model/phase.ts';
import { partsOf, type Shard, wholeEntriesOf } from '../model/plan.ts';
import { type Range, RangeSet } from '../model/ranges.ts';
import { addWays, type Way } from '../model/ways.ts';
import type { JournalLine } from './journal-lines.ts';
import { type JournalName, scanAttempt } from './run-paths.ts';

export type JournalSummary = {
  readonly name: JournalName;
  readonly job: string;
  readonly phase: AttemptPhase;
  /** What SLURM calls its node; undefined where it did not say. */
  readonly node: string | undefined;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  /** Why it ended; undefined while it runs, or when it was killed. */
  readonly reason: string | undefined;
  /** What this worker has copied: entries, and bytes including those of parts. */
  readonly copied: Tally;
};

/** What the journals of one shard say, taken together. Memory grows with failures and gaps, not with entries. */
export class ShardState {
  readonly done = new RangeSet();
  readonly copied: Tally = emptyTally();
  readonly skipped: Tally = emptyTally();
  /** Further names of files; only finish makes them. */
  readonly linked: Tally = emptyTally();
  /** The latest outcome of each entry that failed or vanished and was not done since. */
  readonly outcomes = new Map<number, EntryOutcome>();
  readonly parts: PartOutcome[] = [];
  readonly notes = new Map<string, number>();
  /** How content was copied; a file that was copied twice counts twice. */
  readonly ways = new Map<Way, number>();
  readonly journals: JournalSummary[] = [];
  /** Ranges of which two workers at once brought a piece to an end: only the tape can say what they held. */
  readonly disputed: Range[] = [];

  /** Takes in the next line of a journal; journals come in the order of their attempts. */
  add(name: JournalName, line: JournalLine): void {
    if (name.attempt === scanAttempt && line.type !== 'done') return;
    if (line.type === 'journal') {
      this.journals.push({
        name,
        job: line.job,
        phase: line.phase ?? 'copy',
        node: line.node,
        startedAt: line.startedAt,
        endedAt: undefined,
        reason: undefined,
        copied: emptyTally(),
      });
    } else if (line.type === 'done') {
      this.#addDone(line);
      const { entries, bytes } = line.copied;
      this.#countCopied({ entries, bytes: Math.max(0, bytes - this.#bytesOfPartsIn(line)) });
    } else if (line.type === 'entry') {
      if (!this.done.has(line.ordinal)) this.outcomes.set(line.ordinal, line);
    } else if (line.type === 'part') {
      this.parts.push(line);
      if (!line.same) this.#countCopied({ entries: 0, bytes: line.to - line.from });
    } else if (line.type === 'note') {
      this.notes.set(line.note, (this.notes.get(line.note) ?? 0) + line.entries);
    } else if (line.type === 'way') {
      addWays(this.ways, new Map([[line.way, line.files]]));
    } else if (line.type === 'end') {
      this.journals.push({ ...this.journals.pop()!, endedAt: line.at, reason: line.reason });
    }
  }

  /** Takes back what was recorded of an entry of the planned size: it is to be done again. */
  takeBack(ordinal: number, bytes: number): void {
    if (!this.done.delete(ordinal)) return;
    // Nobody knows which of both it was: the sums are right, and neither is less than nothing
    const isCopied = this.copied.entries > 0;
    const ofCopied = Math.min(this.copied.bytes, bytes);
    addTally(this.copied, { entries: isCopied ? -1 : 0, bytes: -ofCopied });
    addTally(this.skipped, { entries: isCopied ? 0 : -1, bytes: ofCopied - bytes });
  }

  /** The same for the parts of a divided file. */
  takeBackParts(ordinal: number): void {
    const left = this.parts.filter((part) => part.ordinal !== ordinal);
    this.parts.splice(0, this.parts.length, ...left);
  }

  #addDone(range: DoneRange): void {
    const fresh = this.done.add(range.from, range.to);
    if (this.outcomes.size > 0) this.#forget(fresh);
    const [piece] = fresh;
    if (piece === undefined) return;
    if (piece.from === range.from && piece.to === range.to) {
      addTally(this.copied, range.copied);
      addTally(this.skipped, range.skipped);
      addTally(this.linked, range.linked);
    } else {
      this.disputed.push(...fresh);
    }
  }

  /** The size of files that were copied in pieces: their bytes were counted with these. */
  #bytesOfPartsIn({ from, to }: Range): number {
    const sizes = new Map<number, number>();
    for (const { ordinal, version, same } of this.parts)
      if (ordinal >= from && ordinal < to && !same) sizes.set(ordinal, sizeOfVersion(version));
    return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  #countCopied(copied: Readonly<Tally>): void {
    const journal = this.journals.at(-1);
    if (journal !== undefined) addTally(journal.copied, copied);
  }

  #forget(fresh: readonly Range[]): void {
    for (const ordinal of this.outcomes.keys()) {
      if (fresh.some(({ from, to }) => ordinal >= from && ordinal < to)) this.outcomes.delete(ordinal);
    }
  }

  /** True for an entry that no worker needs to look at again. */
  isSettled(ordinal: number): boolean {
    return this.done.has(ordinal) || this.outcomes.get(ordinal)?.outcome === 'vanished';
  }

  /** True when a worker has something to do here: an entry without a record, a failure, or a missing part of an unsettled file. */
  hasWorkLeft(shard: Shard, isFileSettled: (ordinal: number) => boolean): boolean {
    const { from, to } = wholeEntriesOf(shard);
    for (const gap of this.done.missingIn(from, to)) {
      for (let ordinal = gap.from; ordinal < gap.to; ordinal++) if (!this.isSettled(ordinal)) return true;
    }
    return partsOf(shard).some(
      ({ ordinal, from: byte, to: end }) =>
        !isFileSettled(ordinal) && !this.isSettled(ordinal) && !this.#hasPart(ordinal, byte, end),
    );
  }

  #hasPart(ordinal: number, from: number, to: number | undefined): boolean {
    const parts = this.parts.filter((part) => part.ordinal === ordinal);
    const last = parts.at(-1);
    if (last === undefined) return false;
    const had = new RangeSet();
    for (const part of parts)
      if (part.version === last.version && part.temporary === last.temporary) had.add(part.from, part.to);
    return had.covers(from, to ?? sizeOfVersion(last.version));
  }
}

/** A version is `SIZE:...`: the size of the source file when its part was copied. */
export function sizeOfVersion(version: string): number {
  return Number(version.split(':', 1)[0]);
}
