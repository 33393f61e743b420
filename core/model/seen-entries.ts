/** What is known of an entry: passed over (finish's affair), left to be looked at as ever, stamped, or the same at both sides. */
export const seenStates = { passed: 0, left: 1, stamped: 2, same: 3 } as const;

/** So many numbers of 32 bits has a stamp: mode, uid, gid; size, seconds of the mtime (low half, then high); nanoseconds. */
export const wordsPerStamp = 8;

/**
 * Consecutive entries of the tape as numbers, without an object for each: of `stamped` ones the name begins in `text` at
 * `names[i]`, a zero byte ends it, and what the scan saw is in `stamps`, `wordsPerStamp` for each entry.
 */
export type SeenEntries = {
  /** Those of the first entry. */
  readonly from: number;
  readonly count: number;
  /** Allocated outside of the heap, and the same until more room is needed. */
  readonly text: Uint8Array;
  readonly states: Uint8Array;
  readonly names: Uint32Array;
  readonly bytes: Float64Array;
  readonly stamps: Uint32Array;
  /** Those that entries are in: entries `[from, to)` of these in `path`. */
  readonly directories: readonly { readonly path: string; readonly from: number; readonly to: number }[];
};
