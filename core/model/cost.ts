import type { Entry } from './entry.ts';

const MiB = 1024 * 1024;

/** One task moves about this much of a large file in a second; used to guess how long a shard takes. */
export const bytesPerSecond = 512 * MiB;

/** What creating a thing costs, in bytes that could be copied meanwhile (a file takes about a millisecond on a network). */
const fixedCost = {
  directory: MiB / 2,
  file: MiB / 2,
  link: MiB / 8,
  symlink: MiB / 4,
  special: MiB / 4,
  unreadable: 1024,
} as const;

/** The cost of the part of an entry that does not depend on its size. */
export function fixedCostOf(entry: Pick<Entry, 'kind'>): number {
  return fixedCost[entry.kind];
}

/** True where the scan has found that nothing is left to do, of what is a worker's. */
export function isDone(entry: Entry): boolean {
  return (entry.kind === 'file' || entry.kind === 'symlink') && entry.isSame === true;
}

/** An entry's length on the tape, in bytes: fixed cost + bytes; nothing where nothing is left to do. An integer, so that sums are exact. */
export function costOf(entry: Entry): number {
  if (isDone(entry)) return 0;
  return fixedCostOf(entry) + (entry.kind === 'file' ? entry.bytes : 0);
}
