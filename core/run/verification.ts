import { type Difference, type DifferenceKind, differenceKinds } from '../model/difference.ts';
import { RangeSet } from '../model/ranges.ts';
import type { DiffersLine, JournalHeader, JournalLine } from './journal-lines.ts';

/** So many names that the source does not have are told by their paths; more are counted. */
const extrasAtMost = 10_000;

/** What size and times do not tell. */
const hiddenKinds: readonly DifferenceKind[] = ['content', 'holes', 'hard-links', 'unreadable'];

type OpenEntry = { readonly lines: DiffersLine[]; readonly since: number };
type LastWorker = { reason: string | undefined; readonly extras: DiffersLine[]; more: number };

/** What journals say of a comparison: what was compared, and which differences nobody has mended since. */
export class Verification {
  /** The attempt that has begun the newest comparison; 0 when there was none. */
  since = 0;
  /** What was compared for it. */
  readonly compared = { entries: 0, bytes: 0, hashed: 0 };
  readonly verified = new RangeSet();
  /** Of divided files. */
  readonly pieces = new Map<number, RangeSet>();
  /** By ordinal: what each entry differs in, and in which comparison that was found. */
  readonly open = new Map<number, OpenEntry>();
  /** Differences that were found by it, and are open no more. */
  mended = 0;
  readonly #last = new Map<number, LastWorker>();

  /** A worker or finish of phase `verify` begins. */
  begin(shard: number | 'finish', { since = 0 }: JournalHeader): void {
    if (since > this.since) this.#beginAnew(since);
    if (shard !== 'finish') this.#last.set(shard, { reason: undefined, extras: [], more: 0 });
  }

  #beginAnew(since: number): void {
    this.since = since;
    this.compared.entries = this.compared.bytes = this.compared.hashed = this.mended = 0;
    this.verified.clear();
    this.pieces.clear();
    this.#last.clear();
  }

  /** A line of its journal. Returns what differed before and was found to be as it should be. */
  take(shard: number | 'finish', line: JournalLine): readonly OpenEntry[] {
    if (line.type === 'verified') return this.#takeRange(line);
    if (line.type === 'piece') this.#piecesOf(line.ordinal).add(line.from, line.to);
    else if (line.type === 'differs') this.#takeDifference(shard, line);
    else if (line.type === 'end' && shard !== 'finish') this.#last.get(shard)!.reason = line.reason;
    return [];
  }

  /** What an earlier comparison has found and this one has not is mended. */
  #takeRange({
    from,
    to,
    entries,
    bytes,
    hashed = 0,
  }: Extract<JournalLine, { type: 'verified' }>): OpenEntry[] {
    this.compared.entries += entries;
    this.compared.bytes += bytes;
    this.compared.hashed += hashed;
    const ranges = this.verified.add(from, to);
    const mended = ranges
      .flatMap((range) => this.openIn(range.from, range.to))
      .filter(([, { since }]) => since < this.since);
    for (const [ordinal] of mended) this.open.delete(ordinal);
    return mended.map(([, entry]) => entry);
  }

  #takeDifference(shard: number | 'finish', line: DiffersLine): void {
    if (line.ordinal === undefined) {
      const last = this.#last.get(shard as number)!;
      if (last.extras.length < extrasAtMost) last.extras.push(line);
      else last.more++;
      return;
    }
    const known = this.open.get(line.ordinal);
    if (known === undefined || known.since < this.since)
      this.open.set(line.ordinal, { lines: [line], since: this.since });
    else if (!known.lines.some(({ kind }) => kind === line.kind)) known.lines.push(line);
  }

  #piecesOf(ordinal: number): RangeSet {
    const pieces = this.pieces.get(ordinal) ?? new RangeSet();
    this.pieces.set(ordinal, pieces);
    return pieces;
  }

  /** The entries in `[from, to)` that differ. */
  openIn(from: number, to: number): [ordinal: number, OpenEntry][] {
    if (to - from > this.open.size)
      return [...this.open].filter(([ordinal]) => ordinal >= from && ordinal < to);
    const found: [number, OpenEntry][] = [];
    for (let ordinal = from; ordinal < to; ordinal++) {
      const entry = this.open.get(ordinal);
      if (entry !== undefined) found.push([ordinal, entry]);
    }
    return found;
  }

  /** An entry was done anew: it has no difference that is known, and is to be compared again. */
  close(ordinal: number): void {
    this.mended += this.open.get(ordinal)?.lines.length ?? 0;
    if (!this.open.delete(ordinal)) return;
    this.verified.delete(ordinal);
    this.pieces.delete(ordinal);
  }

  /** Files that look as they should, and are not: nothing but another copy mends them. */
  get toBePutAnew(): ReadonlySet<number> {
    const hidden = [...this.open].filter(([, { lines }]) =>
      lines.some(({ entry, kind }) => entry === 'file' && hiddenKinds.includes(kind)),
    );
    return new Set(hidden.map(([ordinal]) => ordinal));
  }

  /** All that differs, in the order of the tape, and then what the source does not have. */
  *differences(): Generator<DiffersLine> {
    for (const [, { lines }] of [...this.open].sort(([one], [other]) => one - other))
      yield* lines.toSorted((one, other) => rankOf(one) - rankOf(other));
    yield* this.extras;
  }

  get extras(): DiffersLine[] {
    return [...this.#last.values()].flatMap(({ extras }) => extras);
  }

  get extrasCount(): number {
    return [...this.#last.values()].reduce((sum, { extras, more }) => sum + extras.length + more, 0);
  }

  /** How many things could not be read, and so are not shown to be the same. */
  get unreadable(): number {
    const all = [...[...this.open.values()].map(({ lines }) => lines), this.extras];
    return all.filter((lines) => lines.some(({ kind }) => kind === 'unreadable')).length;
  }

  /** Of what could be compared; what could not be read is no difference that was found. */
  get count(): number {
    const found = [...this.open.values()].map(
      ({ lines }) => lines.filter(({ kind }) => kind !== 'unreadable').length,
    );
    const unread = this.extras.filter(({ kind }) => kind === 'unreadable').length;
    return found.reduce((sum, one) => sum + one, 0) + this.extrasCount - unread;
  }

  /** True when the newest worker of a shard has gone through all that it had to. */
  hasEnded(shard: number): boolean {
    const reason = this.#last.get(shard)?.reason;
    return reason === 'complete' || reason === 'differences' || reason === 'failures';
  }

  hasBegun(shard: number): boolean {
    return this.#last.has(shard);
  }
}

function rankOf({ kind }: Difference): number {
  return differenceKinds.indexOf(kind);
}
