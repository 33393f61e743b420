import type { PartOutcome } from '../core/model/outcome.ts';
import { wholeEntriesOf } from '../core/model/plan.ts';
import { type Range, RangeSet } from '../core/model/ranges.ts';
import type { SourceDigest } from '../core/model/source-digest.ts';
import { CopiedDigestsReader } from '../core/run/copied-digests.ts';
import type { JournalLine } from '../core/run/journal-lines.ts';
import { listJournals, readJournal } from '../core/run/journal-reader.ts';
import { sizeOfVersion } from '../core/run/shard-state.ts';
import { digestOfText } from '../core/storage/posix/content-digest.ts';
import type { TaskContext } from './task-context.ts';

/** A range of a file with what its copy has read of the source; without that both sides are to be read. */
export type KnownRange = Range & { readonly source?: SourceDigest };

type HashedPart = PartOutcome & { readonly digest: string };

/** What the workers that have copied a shard have hashed of it; the latest goes before the others. */
export class KnownDigests {
  readonly #files: readonly CopiedDigestsReader[];
  /** By ordinal, the latest first. */
  readonly #parts = new Map<number, HashedPart[]>();

  private constructor(files: readonly CopiedDigestsReader[], parts: readonly HashedPart[]) {
    this.#files = files;
    for (const part of parts.toReversed()) this.#partsOf(part.ordinal).push(part);
  }

  /** Digests must be prepared in this thread. A part that was taken back since has still been read as its digest says. */
  static async open({ paths, plan, journal }: TaskContext): Promise<KnownDigests> {
    const shard = journal.shard as number;
    const { from } = wholeEntriesOf(plan.shards[shard]!);
    const journals = (await listJournals(paths)).filter(({ name }) => name.shard === shard);
    const parts = journals.flatMap(({ file }) => hashedPartsIn(file));
    const readers = journals.map(({ name }) => CopiedDigestsReader.open(paths.copiedDigests(name), from));
    const files = readers.reverse().filter((file) => file !== undefined);
    return new KnownDigests(files, parts);
  }

  /** Of a file that was copied as a whole. */
  of(ordinal: number): SourceDigest | undefined {
    for (const file of this.#files) {
      const found = file.of(ordinal);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * A range of a file, cut into those that were copied at once, and what is between them. A file that was copied as a whole
   * is to be compared as a whole.
   */
  rangesOf(ordinal: number, { from, to }: Range): KnownRange[] {
    const source = this.#parts.has(ordinal) ? undefined : this.of(ordinal);
    if (source !== undefined) return [{ from, to, source }];
    const ranges: KnownRange[] = [];
    let at = from;
    for (const known of this.#hashedIn(ordinal, { from, to })) {
      if (at < known.from) ranges.push({ from: at, to: known.from });
      ranges.push(known);
      at = known.to;
    }
    return at < to ? [...ranges, { from: at, to }] : ranges;
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  /** Those that lie wholly in the range, ascending, none over another. */
  #hashedIn(ordinal: number, { from, to }: Range): KnownRange[] {
    const known: KnownRange[] = [];
    const taken = new RangeSet();
    for (const { from: begin, to: planned, version, digest } of this.#parts.get(ordinal) ?? []) {
      const end = Math.min(planned, sizeOfVersion(version));
      const isWithin = begin >= from && begin < end && end <= to;
      if (!isWithin || !isFree(taken, begin, end)) continue;
      taken.add(begin, end);
      known.push({ from: begin, to: end, source: { version: digestOfText(version), digest } });
    }
    return known.sort((one, other) => one.from - other.from);
  }

  #partsOf(ordinal: number): HashedPart[] {
    const parts = this.#parts.get(ordinal) ?? [];
    this.#parts.set(ordinal, parts);
    return parts;
  }
}

function hashedPartsIn(journal: string): HashedPart[] {
  const parts: HashedPart[] = [];
  for (const line of readJournal(journal)) if (isHashed(line)) parts.push(line);
  return parts;
}

function isHashed(line: JournalLine): line is JournalLine & HashedPart {
  return line.type === 'part' && line.digest !== undefined;
}

function isFree(taken: RangeSet, from: number, to: number): boolean {
  const [first] = taken.missingIn(from, to);
  return first?.from === from && first.to === to;
}
