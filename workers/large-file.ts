import type { EntryOutcome, PartOutcome } from '../core/model/outcome.ts';
import { RangeSet } from '../core/model/ranges.ts';
import { sizeOfVersion } from '../core/run/shard-state.ts';
import type { FileRequest } from '../core/storage/storage.ts';

export type LargeEntry = { readonly ordinal: number; readonly path: string; readonly bytes: number };

export type LargeFileParts = {
  /** Those that are there already, all of one version. */
  readonly parts: readonly PartOutcome[];
  /** How many pieces are to come. */
  readonly pieces: number;
  /** How often it was begun, this time included. */
  readonly tries: number;
};

/** A file that one worker copies in pieces, several at once, on its way. */
export class LargeFile {
  readonly entry: LargeEntry;
  readonly tries: number;
  readonly #parts: PartOutcome[];
  #piecesLeft: number;
  #outcome: EntryOutcome | undefined;

  constructor(entry: LargeEntry, { parts, pieces, tries }: LargeFileParts) {
    [this.entry, this.tries] = [entry, tries];
    [this.#parts, this.#piecesLeft] = [[...parts], pieces];
  }

  /** A piece that was copied, or for which the file has failed, or that was given up. */
  take(result: PartOutcome | EntryOutcome | undefined): void {
    this.#piecesLeft--;
    if (result !== undefined && 'outcome' in result) this.#outcome ??= result;
    else if (result !== undefined) this.#parts.push(result);
  }

  /** What became of it when a piece could not be copied: the others are of no use. */
  get outcome(): EntryOutcome | undefined {
    return this.#outcome;
  }

  /** True when no piece is to come. */
  get isOver(): boolean {
    return this.#piecesLeft === 0;
  }

  /** How it gets its name; undefined when its pieces make no file. */
  get completion(): FileRequest | undefined {
    return completionOf(this.entry, this.#parts);
  }
}

/**
 * A request for a file whose parts, in the order in which they came, are all there in one version; else undefined. Where
 * some found their bytes at the destination and others did not, the former are still to be written.
 */
export function completionOf(entry: LargeEntry, parts: readonly PartOutcome[]): FileRequest | undefined {
  const version = parts.at(-1)?.version;
  if (version === undefined) return undefined;
  const current = parts.filter((part) => part.version === version);
  const temporary = current.findLast(({ same }) => !same)?.temporary;
  const size = sizeOfVersion(version);
  const found = rangesOf(current.filter(({ same }) => same));
  if (temporary === undefined)
    return found.covers(0, size) ? { ...entry, version, temporary: '', same: true } : undefined;
  const fill = rangesOf(current.filter((part) => part.temporary === temporary)).missingIn(0, size);
  if (!fill.every(({ from, to }) => found.covers(from, to))) return undefined;
  const request = { ...entry, version, temporary, same: false };
  return fill.length === 0 ? request : { ...request, fill: fill.map(({ from, to }) => [from, to] as const) };
}

function rangesOf(parts: readonly PartOutcome[]): RangeSet {
  const ranges = new RangeSet();
  for (const { from, to } of parts) ranges.add(from, to);
  return ranges;
}
