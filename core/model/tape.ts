import { costOf, fixedCostOf } from './cost.ts';
import { bytesOf, type Entry } from './entry.ts';

/**
 * A place on the tape: before the entry `ordinal`, or `byte` bytes into its content.
 * `offset` is where its line begins in the tape file, `directory` where the line of the directory in force begins
 * (equal to `offset` when the entry is itself a directory).
 */
export type TapePosition = {
  readonly ordinal: number;
  readonly offset: number;
  readonly directory: number;
  readonly byte: number;
};

/** A position with what lies before it; an index mark is one of these with `byte` 0. */
export type TapeMark = TapePosition & { readonly cost: number; readonly bytes: number };

export type LocatedEntry = {
  readonly ordinal: number;
  readonly offset: number;
  /** Where this entry's line ends. */
  readonly next: number;
  readonly directory: number;
  readonly entry: Entry;
};

/**
 * The cut nearest to `target` (a cost), for entries that follow `mark`.
 * Falls inside a file only if that file has at least two parts, and then on a multiple of the part size;
 * else on the nearer entry boundary. Without a fitting entry it is the end of what was given.
 */
export function cutNear(
  mark: TapeMark,
  entries: Iterable<LocatedEntry>,
  target: number,
  partBytes: number,
): TapeMark {
  let before = mark;
  for (const located of entries) {
    const after = markAfter(before, located);
    if (target < after.cost) {
      const here = {
        ...before,
        ordinal: located.ordinal,
        offset: located.offset,
        directory: located.directory,
      };
      return cutEntry(here, after, located.entry, target, partBytes);
    }
    before = after;
  }
  return before;
}

function markAfter(before: TapeMark, located: LocatedEntry): TapeMark {
  return {
    ordinal: located.ordinal + 1,
    offset: located.next,
    directory: located.directory,
    byte: 0,
    cost: before.cost + costOf(located.entry),
    bytes: before.bytes + bytesOf(located.entry),
  };
}

function cutEntry(
  before: TapeMark,
  after: TapeMark,
  entry: Entry,
  target: number,
  partBytes: number,
): TapeMark {
  if (bytesOf(entry) < 2 * partBytes) return target - before.cost < after.cost - target ? before : after;
  const wanted = target - before.cost - fixedCostOf(entry);
  const byte = Math.round(wanted / partBytes) * partBytes;
  if (byte <= 0) return before;
  if (byte >= bytesOf(entry)) return after;
  return { ...before, byte, cost: before.cost + fixedCostOf(entry) + byte, bytes: before.bytes + byte };
}
