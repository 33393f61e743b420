import type { ThreadCount } from './thread-pool.ts';

/** What the number of a worker's threads follows from. */
export type ThreadNeeds = {
  /** As the user wants it: neither more nor fewer. */
  readonly fixed: number | undefined;
  readonly cpus: number;
  /** What the job was given; undefined where nobody says. */
  readonly memoryMB: number | undefined;
  /** What is to be done: entries, and pieces of divided files. */
  readonly entries: number;
  readonly pieces: number;
};

/** More files in flight help hardly any file system, and cost memory. */
const threadsAtMost = 16;
/** Measured, with something to spare: a worker without threads, and each thread. */
const workerMB = 90;
const threadMB = 30;
/** Fewer are no work for another thread, not even a slow one. */
const entriesEach = 8;
/** A CPU copies so many while a thread starts. */
const entriesForCpu = 128;

/** How many threads a worker begins with, and how many it may have: no more than it has work, and memory. */
export function countThreads({ fixed, cpus, memoryMB, entries, pieces }: ThreadNeeds): ThreadCount {
  const room = memoryMB === undefined ? Number.POSITIVE_INFINITY : (memoryMB - workerMB) / threadMB;
  const useful = Math.ceil(entries / entriesEach) + pieces;
  const most = atLeastOne(Math.min(fixed ?? Math.max(threadsAtMost, cpus), room, useful));
  if (fixed !== undefined) return { first: most, most };
  return { first: atLeastOne(Math.min(cpus, most, Math.ceil(entries / entriesForCpu) + pieces)), most };
}

function atLeastOne(count: number): number {
  return Math.max(1, Math.floor(count));
}

/** The memory that SLURM gives a task, in MB; undefined where it says nothing, or that there is no limit. */
export function memoryOf(
  environment: Readonly<Record<string, string | undefined>>,
  cpus: number,
): number | undefined {
  const node = Number(environment.SLURM_MEM_PER_NODE ?? 0);
  const memory = node > 0 ? node : Number(environment.SLURM_MEM_PER_CPU ?? 0) * cpus;
  return memory > 0 ? memory : undefined;
}
