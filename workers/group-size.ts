/** What the size of the next group follows from. */
export type GroupSizing = {
  /** Entries of the shard that are in no group yet. */
  readonly entriesLeft: number;
  readonly threads: number;
  /** How long an entry takes a thread; undefined while nothing is known. */
  readonly msPerEntry: number | undefined;
  /** Left out: 256. */
  readonly atMost?: number;
};

const entriesAtMost = 256;
const atLeast = 4;
/** Until something is known: no thread has to wait long for it, nor for its share of a small shard. */
const first = 8;
/** A group should take about so long: threads end together, and it shows soon how fast they are. */
const wantedMs = 250;
/** So many groups for each thread in what is left. */
const groupsPerThread = 4;

/** How many entries the next group should have: few when they are slow or the shard is nearly done. */
export function groupSize({ entriesLeft, threads, msPerEntry, atMost = entriesAtMost }: GroupSizing): number {
  const fair = Math.ceil(entriesLeft / (threads * groupsPerThread));
  const timely = msPerEntry === undefined ? first : Math.floor(wantedMs / Math.max(msPerEntry, 0.001));
  return Math.max(atLeast, Math.min(atMost, fair, timely));
}
