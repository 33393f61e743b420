/** What became of one entry. `vanished`: it was there when the tree was scanned and is no more. */
export type OutcomeKind = 'copied' | 'skipped' | 'linked' | 'failed' | 'vanished';

/** How many entries, and how many bytes the plan had counted for them. */
export type Tally = { entries: number; bytes: number };

/**
 * A stretch of entries `[from, to)` in which nothing is left for a worker to do. The tallies count the entries
 * that the worker itself brought to an end; directories, further names of files and divided files in
 * between are counted by finish.
 */
export type DoneRange = {
  readonly from: number;
  readonly to: number;
  readonly copied: Tally;
  readonly skipped: Tally;
  readonly linked: Tally;
};

/** An entry with an outcome that has to be told: failed or vanished, with its cause. */
export type EntryOutcome = {
  readonly ordinal: number;
  readonly outcome: Extract<OutcomeKind, 'failed' | 'vanished'>;
  readonly path: string;
  readonly bytes: number;
  /** An errno name (EACCES), or one of bcopy's own causes (see advice.ts). */
  readonly cause: string;
  /** What was being done: `open source`, `rename` ... */
  readonly action: string;
};

/** Bytes `[from, to)` of a divided file, on disk under its temporary name (or, if `same`, already under its own). */
export type PartOutcome = {
  readonly ordinal: number;
  readonly from: number;
  readonly to: number;
  /** The state of the source file that these bytes come from; parts of different versions never make a file. */
  readonly version: string;
  /** Which temporary file holds them (inode and birth); another of its name means that they are lost. */
  readonly temporary: string;
  /** True when the destination held the same file before (type, size and mtime). */
  readonly same: boolean;
  /** What the bytes hash to, as far as they are in the source; left out where they were not hashed. */
  readonly digest?: string | undefined;
};

export function emptyTally(): Tally {
  return { entries: 0, bytes: 0 };
}

export function addTally(to: Tally, tally: Readonly<Tally>): void {
  to.entries += tally.entries;
  to.bytes += tally.bytes;
}
