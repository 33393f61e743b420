import { formatCount } from './units.ts';

/** How the bytes of a file get to its copy: by sharing its blocks, within the kernel, or by way of this process. */
export const wayWords = ['reflink', 'copy_file_range', 'sendfile', 'read/write'] as const;
export type Way = (typeof wayWords)[number];

/** How many files, or pieces of divided files, went which way. */
export type WayCounts = ReadonlyMap<Way, number>;

export function addWays(to: Map<Way, number>, counts: WayCounts): void {
  for (const [way, files] of counts) to.set(way, (to.get(way) ?? 0) + files);
}

/** `reflink 1,204 · read/write 98,114`: those that occurred, the best first; empty when none did. */
export function sayWays(counts: WayCounts): string {
  const taken = wayWords.filter((way) => counts.has(way));
  return taken.map((way) => `${way} ${formatCount(counts.get(way)!)}`).join(' · ');
}
