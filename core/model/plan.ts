import { bytesPerSecond } from './cost.ts';
import type { TapeMark, TapePosition } from './tape.ts';
import { formatCounted } from './units.ts';

const MiB = 1024 * 1024;

/** What the scan found. `entries` counts every kind; `bytes` is the content of all files, each inode once. */
export type Totals = {
  readonly entries: number;
  readonly bytes: number;
  readonly cost: number;
  readonly directories: number;
  readonly files: number;
  readonly links: number;
  readonly symlinks: number;
  readonly specials: number;
  readonly unreadable: number;
  /** Files that have further names outside the source; missing where nobody looked. */
  readonly linkedOutside?: number | undefined;
  /** Entries that filters left out, each directory for one; missing where there were no filters. */
  readonly excluded?: number | undefined;
};

/** `12 files have further names outside the source`. */
export function sayLinkedOutside(files: number): string {
  const have = files === 1 ? 'has' : 'have';
  return `${formatCounted(files, 'file')} ${have} further names outside the source`;
}

/** `excluded 12 entries` */
export function sayExcluded(entries: number): string {
  return `excluded ${formatCounted(entries, 'entry', 'entries')}`;
}

/** A contiguous piece of the tape; `end` is the first position that is not in it. */
export type Shard = {
  readonly start: TapePosition;
  readonly end: TapePosition;
  /** Whole entries that begin in it. */
  readonly entries: number;
  readonly bytes: number;
  readonly cost: number;
};

export type Plan = {
  readonly totals: Totals;
  /** Cuts inside files fall on multiples of this. */
  readonly partBytes: number;
  readonly shards: readonly Shard[];
  /** The scan has found every entry at the destination already, and nothing is left to do. */
  readonly isAlike?: true | undefined;
};

/** A byte range of a file that several shards share; `to` is left out where it runs to the file's end. */
export type PartRange = { readonly ordinal: number; readonly from: number; readonly to?: number };

/** Where calls are slow, a file takes one of the scan and 14 of a worker, which makes half as many at once. */
const copyPerScan = 28;

/** One worker has nobody to share with, and each task takes time to start: only time limits ask for more than one shard. */
const aloneSeconds = 1800;

/**
 * How many shards: about a minute of work each, at most eight for each worker so that the last does not run
 * alone, and for a small tree one for each worker that gets two seconds of work. Never above `limit`. A source that
 * took long to scan takes long to copy, whatever its size: on a network each call is a wait.
 */
export function chooseShardCount(cost: number, workers: number, limit: number, scanSeconds = 0): number {
  const seconds = Math.max(cost / bytesPerSecond, scanSeconds * copyPerScan);
  const small = Math.min(workers, Math.ceil(seconds / 2));
  const each = workers === 1 ? aloneSeconds : 60;
  const large = Math.min(workers * 8, Math.floor(seconds / each));
  return Math.max(1, Math.min(limit, Math.max(small, large)));
}

/**
 * The largest power of two that is at most half a percent of a shard's cost, from 1 MiB to 256 MiB: a shard has
 * two ends, each at most one part away from where it should be, so shards differ from their mean by 1 % at most
 * (unless they are smaller than 200 MiB).
 */
export function choosePartBytes(shardCost: number): number {
  const power = 2 ** Math.floor(Math.log2(Math.max(1, shardCost / 200)));
  return Math.min(256 * MiB, Math.max(MiB, power));
}

/**
 * The shards between consecutive cuts. Cuts ascend, the first is the tape's beginning, the last its end. A piece that costs nothing
 * is no shard: its entries are with the piece after it, the last ones with the piece before.
 */
export function shardsBetween(cuts: readonly TapeMark[]): Shard[] {
  const [first, ...others] = cuts;
  const end = others.pop();
  if (first === undefined || end === undefined || end.cost === first.cost) return [];
  const kept = [first];
  for (const cut of others) if (cut.cost > kept.at(-1)!.cost && cut.cost < end.cost) kept.push(cut);
  return [...kept, end].slice(1).map((cut, i) => shardBetween(kept[i]!, cut));
}

function shardBetween(start: TapeMark, end: TapeMark): Shard {
  const [first, last] = [positionOf(start), positionOf(end)];
  const entries = Math.max(0, last.ordinal - first.ordinal - (first.byte > 0 ? 1 : 0));
  return { start: first, end: last, entries, bytes: end.bytes - start.bytes, cost: end.cost - start.cost };
}

function positionOf({ ordinal, offset, directory, byte }: TapeMark): TapePosition {
  return { ordinal, offset, directory, byte };
}

/** The ordinals of the entries that lie wholly in a shard: from `from` up to, not including, `to`. */
export function wholeEntriesOf(shard: Shard): { from: number; to: number } {
  const from = shard.start.byte > 0 ? shard.start.ordinal + 1 : shard.start.ordinal;
  return { from, to: Math.max(from, shard.end.ordinal) };
}

/** The ordinals of the entries that begin in a shard: those that lie wholly in it, and a file that is cut by its end. */
export function beginningsOf(shard: Shard): { from: number; to: number } {
  const { from, to } = wholeEntriesOf(shard);
  return { from, to: shard.end.byte > 0 ? Math.max(to, shard.end.ordinal + 1) : to };
}

/** The parts of divided files in a shard: none, one, or two (the end of one file, the beginning of another). */
export function partsOf(shard: Shard): PartRange[] {
  const { start, end } = shard;
  const parts: PartRange[] = [];
  const inside = start.byte > 0 && end.byte > 0 && start.ordinal === end.ordinal;
  if (inside) return [{ ordinal: start.ordinal, from: start.byte, to: end.byte }];
  if (start.byte > 0) parts.push({ ordinal: start.ordinal, from: start.byte });
  if (end.byte > 0) parts.push({ ordinal: end.ordinal, from: 0, to: end.byte });
  return parts;
}

/** The divided files of a plan, ascending, each with the numbers of the shards that hold a part of it. */
export function dividedFiles(plan: Plan): Map<number, number[]> {
  const files = new Map<number, number[]>();
  plan.shards.forEach((shard, number) => {
    for (const part of partsOf(shard)) files.set(part.ordinal, [...(files.get(part.ordinal) ?? []), number]);
  });
  return files;
}

/** The longest shard's cost against the mean: 1.00 is perfect balance. */
export function imbalanceOf(plan: Plan): number {
  const costs = plan.shards.map((shard) => shard.cost);
  if (costs.length === 0) return 1;
  return Math.max(...costs) / (costs.reduce((sum, cost) => sum + cost, 0) / costs.length);
}
