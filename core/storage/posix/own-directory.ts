import { isMainThread } from 'node:worker_threads';
import { declare } from './libc.ts';

/** unshare(2) */
const unshare = declare('int unshare(int)') as (flags: number) => number;
/** fchdir(2) */
const fchdir = declare('int fchdir(int)') as (fd: number) => number;
const CLONE_FS = 0x200;

let isOwn = false;

/**
 * Gives this thread a working directory of its own, so that names in an open directory can be given to calls that take
 * no directory: by way of /proc they take four times as long. The main thread keeps the one that all share.
 */
export function takeOwnDirectory(): void {
  isOwn = !isMainThread && unshare(CLONE_FS) === 0;
}

/** True when names are now those in the open directory; false where the thread has no directory of its own. */
export function goTo(directory: number): boolean {
  return isOwn && fchdir(directory) === 0;
}
