import { access } from 'node:fs';

/** So many calls wait for a slow file system at once. */
export const pooledCallsAtMost = 64;

/**
 * Lets the pool of threads, on which Node makes calls without waiting, have as many threads: for programs that meet a slow file
 * system. To be called before anything else uses the pool, which takes its size then. Programs that are started do not have it.
 */
export function widenPool(): void {
  process.env.UV_THREADPOOL_SIZE = String(pooledCallsAtMost);
  access('/', () => {});
  delete process.env.UV_THREADPOOL_SIZE;
}
