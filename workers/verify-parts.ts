import { bytesOf } from '../core/model/entry.ts';
import type { KeepWord } from '../core/model/fidelity.ts';
import { type PartRange, partsOf, type Shard, wholeEntriesOf } from '../core/model/plan.ts';
import { type Range, RangeSet } from '../core/model/ranges.ts';
import type { DiffersLine } from '../core/run/journal-lines.ts';
import type { PlacedEntry, TapeReader } from '../core/run/tape-reader.ts';
import type { Comparers } from './comparison.ts';
import type { KnownDigests, KnownRange } from './known-digests.ts';
import type { Patience } from './retry.ts';
import { differenceOf, rangeBytes } from './verify-content.ts';
import { lookAt, namesIn } from './verify-entries.ts';
import { compareContentPatiently, isPassing } from './verify-patience.ts';
import type { VerifyRecords } from './verify-records.ts';

export type DividedParts = {
  readonly shard: Shard;
  readonly tape: TapeReader;
  readonly comparers: Comparers;
  /** Undefined: both sides of everything are read. */
  readonly known?: KnownDigests | undefined;
  readonly keep: readonly KeepWord[];
  readonly records: VerifyRecords;
  /** What of each file was compared already for the same comparison. */
  readonly compared: ReadonlyMap<number, RangeSet>;
  /** With what cannot be read for a passing cause. */
  readonly patience: Patience;
  readonly isWanted: (placed: PlacedEntry) => boolean;
  readonly tell: (differs: readonly DiffersLine[]) => void;
};

const nothing = { differs: [], hashed: 0, isOtherwise: false };

/** What is to be compared of a shard's shares of divided files; the metadata of each goes with its first byte. */
export class VerifyDivided {
  readonly #parts: DividedParts;

  constructor(parts: DividedParts) {
    this.#parts = parts;
  }

  async *works(): AsyncGenerator<() => Promise<void>> {
    const { shard, tape, isWanted } = this.#parts;
    for (const part of partsOf(shard)) {
      const placed = tape.at(part.ordinal);
      if (isWanted(placed)) yield* this.#ofPart(placed, part);
    }
  }

  async *#ofPart(placed: PlacedEntry, { ordinal, from, to }: PartRange): AsyncGenerator<() => Promise<void>> {
    const end = Math.max(from, to ?? bytesOf(placed.entry));
    const missing = (this.#parts.compared.get(ordinal) ?? new RangeSet()).missingIn(from, end);
    if (missing.length === 0) return;
    const bytes = await this.#look(placed, from === 0);
    for (const gap of missing)
      for (const piece of this.#piecesOf(ordinal, gap)) {
        // Of a file that has grown the last part has the rest
        const last = to === undefined && piece.to === end ? bytes : Math.min(piece.to, bytes);
        yield () => this.#compare(placed, piece, last);
      }
  }

  /** What was copied at once stays together. */
  *#piecesOf(ordinal: number, gap: Range): Generator<Range> {
    const ranges: readonly KnownRange[] = this.#parts.known?.rangesOf(ordinal, gap) ?? [gap];
    for (const { from, to, source } of ranges)
      if (source !== undefined) yield { from, to };
      else
        for (let at = from; at < to; at += rangeBytes) yield { from: at, to: Math.min(at + rangeBytes, to) };
  }

  /** Returns how much content is to be compared: none where the files differ in what is told with the first byte. */
  async #look(placed: PlacedEntry, isFirst: boolean): Promise<number> {
    const { comparers, keep, records, tell } = this.#parts;
    const answer = await lookAt([placed], comparers);
    if (isFirst) {
      tell(answer.findings.map((one) => differenceOf(placed, one)));
      const files = keep.includes('links') ? namesIn([placed], answer) : [];
      if (files.length > 0) records.take({ type: 'names', files });
      this.#count(1, 0);
    }
    return answer.contents[0]?.bytes ?? 0;
  }

  async #compare(placed: PlacedEntry, { from, to }: Range, last: number): Promise<void> {
    const { records, tell, patience } = this.#parts;
    const bytes = Math.max(0, last - from);
    const range = { from, to: from + bytes };
    const compared =
      bytes === 0 ? nothing : await compareContentPatiently(placed, range, this.#parts, patience);
    const { differs, hashed, isOtherwise } = compared;
    // It is left to the next worker
    if (patience.signal?.aborted && differs.some(isPassing)) return;
    tell(differs);
    records.take({ type: 'piece', ordinal: placed.ordinal, from, to });
    records.takeOtherwise(isOtherwise ? 1 : 0);
    this.#count(0, bytes, hashed);
  }

  #count(entries: number, bytes: number, hashed = 0): void {
    const { from } = wholeEntriesOf(this.#parts.shard);
    this.#parts.records.take({
      type: 'verified',
      from,
      to: from,
      entries,
      bytes,
      ...(hashed > 0 && { hashed }),
    });
  }
}
