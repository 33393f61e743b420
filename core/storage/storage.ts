import type { DoneRange, EntryOutcome, PartOutcome } from '../model/outcome.ts';
import type { SeenEntries } from '../model/seen-entries.ts';
import type { EntryDigest } from '../model/source-digest.ts';
import type { WayCounts } from '../model/ways.ts';

/**
 * Consecutive entries of one directory. Entry `i` has ordinal `ordinal + i`, kind `kinds[i]` (the tape's letter:
 * `d f l s p x`), name `names[i]`, planned bytes `bytes[i]` and, for `x`, the errno `errnos.get(i)`.
 */
export type EntryBatch = {
  readonly directory: string;
  readonly ordinal: number;
  readonly kinds: string;
  readonly names: readonly string[];
  readonly bytes: readonly number[];
  readonly errnos: ReadonlyMap<number, string>;
};

/**
 * Consecutive entries `[from, to)` of the tape, in batches; what travels to a thread at once. Of entries that are tried
 * again, which need not be consecutive, `from` is the first, and `to` as if they were.
 */
export type EntryGroup = {
  readonly from: number;
  readonly to: number;
  readonly batches: readonly EntryBatch[];
};

export type GroupOutcome = {
  /** What is done, ascending; together with `outcomes` it covers the group, unless that was hopeless or stopped. */
  readonly ranges: readonly DoneRange[];
  readonly outcomes: readonly EntryOutcome[];
  readonly notes: ReadonlyMap<string, number>;
  /** Files that are to be copied in pieces: their ordinals. Left out: none. */
  readonly large?: readonly number[];
  /** What the files were that were copied, where that was hashed and is not empty. */
  readonly digests?: readonly EntryDigest[];
  /** Of files that were copied, for a later look to know that they have no attributes (see PlainRuns). */
  readonly plain?: Uint8Array;
  /** How the content of its files was copied; of empty files there is none. */
  readonly ways: WayCounts;
  /** The cause for which nothing more can be written at all; the rest of the group was not tried. */
  readonly hopeless: string | undefined;
};

export type PartRequest = {
  readonly ordinal: number;
  readonly path: string;
  /** Planned bytes of the whole file. */
  readonly bytes: number;
  readonly from: number;
  /** Left out: to the end of the file. */
  readonly to?: number;
  /** True: the file was found to be another than the destination's, and is copied whatever this range holds. */
  readonly isDecided?: boolean;
};

/** A part that was stopped is shorter than it was asked for, or `stopped` when there is none. */
export type PartResult =
  | { readonly part: PartOutcome; readonly ways: WayCounts }
  | { readonly stopped: true }
  | { readonly outcome: EntryOutcome };

/** A divided file whose parts are all recorded, of one version. */
export type FileRequest = {
  readonly ordinal: number;
  readonly path: string;
  readonly bytes: number;
  readonly version: string;
  readonly temporary: string;
  readonly same: boolean;
  /** Ranges that no part has written, since the destination holds the same there. Left out: none. */
  readonly fill?: readonly (readonly [from: number, to: number])[];
};

export type LinkRequest = {
  readonly ordinal: number;
  readonly path: string;
  /** The path of the name that was copied. */
  readonly firstPath: string;
};

/** What became of one thing that finish works on. */
export type FinishedEntry =
  | { readonly kind: 'copied' | 'skipped' | 'linked' }
  | { readonly kind: 'outcome'; readonly outcome: EntryOutcome };

/** What became of entries that were looked at by what the scan saw of them. */
export type LookOutcome = {
  /** What is done: nothing in it but what is the same at both sides, and finish's affairs. */
  readonly ranges: readonly DoneRange[];
  /** Ordinals of what has to be copied, or looked at as ever, ascending. */
  readonly left: readonly number[];
};

/**
 * Two trees, a source that is only read and a destination. Calls are synchronous and meant for one thread each; what
 * fails is an outcome, never an exception. A file appears under its final name only when it is whole, by a
 * rename. Nothing is durable before `sync` has returned. Every call may be repeated: it finds its own earlier work.
 */
export interface Storage {
  copyGroup(group: EntryGroup): GroupOutcome;
  /** Says of files with stamps whether they are the `same` at the destination, or `left`; nothing is changed but the modes of directories. */
  findSame(seen: SeenEntries): void;
  /** Writes a byte range into the one temporary file of a file that is copied in pieces. */
  copyPart(request: PartRequest): PartResult;
  /** The version of a divided file at the source and the identity of its temporary file; empty where there is none. */
  dividedState(ordinal: number, path: string): { readonly version: string; readonly temporary: string };
  /** Removes that temporary file, if there is one. */
  discardParts(ordinal: number, path: string): void;
  /** Gives a divided file its metadata and its name, if it still is the version its parts were copied from. */
  completeFile(request: FileRequest): FinishedEntry;
  /** Makes a further name of a file that is at the destination already. */
  linkEntry(request: LinkRequest): FinishedEntry;
  /**
   * Finds out about directories that are completed next, many at once: where each call takes long they are completed sooner. It
   * changes nothing, and what it cannot find out is no matter. No more calls than `atOnce`, as the first caller says, wait at
   * once. Left out: nothing is gained by it.
   */
  readonly lookAhead?: (paths: readonly string[], atOnce?: number) => Promise<void>;
  /** Gives a directory mode, owner and times; its contents must be complete. Makes it if it is missing. */
  completeDirectory(ordinal: number, path: string): FinishedEntry;
  /** Removes what killed workers left in a directory of the destination for entries `[from, to)`; a missing directory is no matter. */
  removeLeftovers(directory: string, from: number, to: number): void;
  /** What could not be kept, by kind, since the last call; only of what finish does. */
  takeNotes(): ReadonlyMap<string, number>;
  /** How content was copied since the last call; only of what finish does. */
  takeWays(): WayCounts;
  /** Returns when everything written so far is on disk; throws when it cannot be. */
  sync(): Promise<void>;
  close(): void;
}
