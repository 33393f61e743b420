import {
  isMostlyResident,
  POSIX_FADV_DONTNEED,
  posixFadvise,
  SYNC_FILE_RANGE_WRITE,
  syncFileRange,
} from './libc-content.ts';

/** From this size on a copy takes care not to push what others use out of memory. */
export const largeContent = 64 * 1024 * 1024;
/** What is looked at, copied and let go at once. */
const windowBytes = 64 * 1024 * 1024;

/** The bytes that were copied of a window, and whether that was the last for now. */
export type CopiedWindow = { readonly bytes: number; readonly isStopped: boolean };

export type LargeStretch = {
  readonly source: number;
  readonly destination: number;
  readonly from: number;
  readonly to: number;
};

/**
 * Copies a stretch of a large file window by window with `copy`, until that is stopped. A window of the
 * source that was not in memory before is let go again; what was, stays. The copy begins to be written
 * out at once, and is let go a window later, as far as it is on disk. Returns the sum.
 */
export function copyInWindows(
  stretch: LargeStretch,
  copy: (from: number, to: number) => CopiedWindow,
): number {
  const { source, destination, from, to } = stretch;
  let copied = 0;
  let isStopped = false;
  for (let at = from; at < to && !isStopped; at += windowBytes) {
    const bytes = Math.min(windowBytes, to - at);
    const mayStay = isMostlyResident(source, at, bytes) ?? true;
    const done = copy(at, at + bytes);
    copied += done.bytes;
    isStopped = done.isStopped;
    if (!mayStay) posixFadvise(source, at, bytes, POSIX_FADV_DONTNEED);
    syncFileRange(destination, at, bytes, SYNC_FILE_RANGE_WRITE);
    if (at > from) posixFadvise(destination, at - windowBytes, windowBytes, POSIX_FADV_DONTNEED);
  }
  posixFadvise(destination, from, to - from, POSIX_FADV_DONTNEED);
  return copied;
}
