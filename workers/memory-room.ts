const MiB = 1024 * 1024;

/** A worker stays below 200 MB, also while it grows a little after its last thread: it starts none by itself that would take it near that. */
const mostBytes = 165 * MiB;
/** Measured: 10 MiB when it starts, more when it has seen many entries. */
const threadBytes = 20 * MiB;

/**
 * How many threads a process that takes so much memory should have by itself, which has so many now: the `young` among
 * them have not taken theirs yet. Beyond what it should take there is one fewer.
 */
export function threadsInMemory(rss: number, threads: number, young: number): number {
  if (rss > mostBytes) return Math.max(1, threads - 1);
  const room = Math.floor((mostBytes - rss) / threadBytes) - young;
  return Math.max(1, threads + Math.max(0, room));
}
