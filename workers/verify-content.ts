import type { Difference } from '../core/model/difference.ts';
import { bytesOf } from '../core/model/entry.ts';
import type { Range } from '../core/model/ranges.ts';
import type { DiffersLine } from '../core/run/journal-lines.ts';
import type { PlacedEntry } from '../core/run/tape-reader.ts';
import type { HashedAnswer, RangeAnswer } from '../core/storage/posix/compare-jobs.ts';
import { sayContent } from '../core/storage/posix/compare-ranges.ts';
import type { Comparers } from './comparison.ts';
import type { KnownDigests, KnownRange } from './known-digests.ts';

/** What of a large file is compared at once where both sides are read. */
export const rangeBytes = 128 * 1024 * 1024;

/** What a file differs in, in a range of it. */
export type ComparedContent = {
  readonly differs: readonly DiffersLine[];
  /** What the destination alone was read of. */
  readonly hashed: number;
  /** True: it was read otherwise when it was copied, and is now the same on both sides. */
  readonly isOtherwise: boolean;
};

export type ContentParts = { readonly comparers: Comparers; readonly known?: KnownDigests | undefined };

/** Compares a range of a file: what has a digest that is known with that, the rest with the source. */
export async function compareContent(
  placed: PlacedEntry,
  range: Range,
  { comparers, known }: ContentParts,
): Promise<ComparedContent> {
  const ranges = known?.rangesOf(placed.ordinal, range) ?? [range];
  const all = await Promise.all(ranges.map((one) => compareKnown(placed, one, comparers)));
  return {
    differs: all.find(({ differs }) => differs.length > 0)?.differs ?? [],
    hashed: all.reduce((sum, { hashed }) => sum + hashed, 0),
    isOtherwise: all.some(({ isOtherwise }) => isOtherwise),
  };
}

/** What has another digest is read on both sides, which tells the first byte that differs. */
async function compareKnown(
  placed: PlacedEntry,
  { from, to, source }: KnownRange,
  comparers: Comparers,
): Promise<ComparedContent> {
  const job = { ...placeOf(placed), from, to };
  const { is } =
    source === undefined
      ? ({ is: 'unknown' } as const)
      : await comparers.run<HashedAnswer>({ kind: 'hashed', ...job, source });
  if (is === 'same') return { differs: [], hashed: to - from, isOtherwise: false };
  const differs = await compareSides(placed, { from, to }, comparers);
  return { differs, hashed: 0, isOtherwise: is === 'other' && differs.length === 0 };
}

async function compareSides(
  placed: PlacedEntry,
  { from, to }: Range,
  comparers: Comparers,
): Promise<DiffersLine[]> {
  const starts = Array.from({ length: Math.ceil((to - from) / rangeBytes) }, (_, i) => from + i * rangeBytes);
  const ranges = starts.map((start) =>
    compareRange(placed, start, Math.min(start + rangeBytes, to), comparers),
  );
  return (await Promise.all(ranges)).find((lines) => lines.length > 0) ?? [];
}

/** Nothing, or what the range differs in. */
async function compareRange(
  placed: PlacedEntry,
  from: number,
  to: number,
  comparers: Comparers,
): Promise<DiffersLine[]> {
  const { at, unreadable } = await comparers.run<RangeAnswer>({
    kind: 'range',
    ...placeOf(placed),
    from,
    to,
  });
  if (unreadable !== undefined) return [differenceOf(placed, { kind: 'unreadable', detail: unreadable })];
  return at < 0 ? [] : [differenceOf(placed, { kind: 'content', detail: sayContent(at) })];
}

/** As a comparer takes it: the root is `.` in `''`. */
export function placeOf({ entry, directoryPath }: PlacedEntry): { directory: string; name: string } {
  if (entry.kind !== 'directory') return { directory: directoryPath, name: entry.name };
  const slash = entry.path.lastIndexOf('/');
  return { directory: entry.path.slice(0, Math.max(0, slash)), name: entry.path.slice(slash + 1) || '.' };
}

export function differenceOf(
  { ordinal, entry, path }: PlacedEntry,
  { kind, detail }: Pick<Difference, 'kind' | 'detail'>,
): DiffersLine {
  return { type: 'differs', ordinal, entry: entry.kind, bytes: bytesOf(entry), path, kind, detail };
}
