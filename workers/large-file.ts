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

/** A request for a file whose parts, in the order in which they came, are all there in one version; else undefined. */
export function completionOf(entry: LargeEntry, parts: readonly PartOutcome[]): FileRequest | undefined {
  const last = parts.at(-1);
  if (last === undefined) return undefined;
  const { version, temporary, same } = last;
  const had = new RangeSet();
  for (const part of parts)
    if (part.version === version && part.temporary === temporary) had.add(part.from, part.to);
  return had.covers(0, sizeOfVersion(version)) ? { ...entry, version, temporary, same } : undefined;
}
