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

export type LargeStretch = {
  readonly source: number;
  readonly destination: number;
  readonly from: number;
  readonly to: number;
};

/**
 * Copies a stretch of a large file window by window with `copy`, which returns the bytes it copied. A window of the
 * source that was not in memory before is let go again; what was, stays. The copy begins to be written
 * out at once, and is let go a window later, as far as it is on disk. Returns the sum.
 */
export function copyInWindows(stretch: LargeStretch, copy: (from: number, to: number) => number): number {
  const { source, destination, from, to } = stretch;
  let copied = 0;
  for (let at = from; at < to; at += windowBytes) {
    const bytes = Math.min(windowBytes, to - at);
    const mayStay = isMostlyResident(source, at, bytes) ?? true;
    copied += copy(at, at + bytes);
    if (!mayStay) posixFadvise(source, at, bytes, POSIX_FADV_DONTNEED);
    syncFileRange(destination, at, bytes, SYNC_FILE_RANGE_WRITE);
    if (at > from) posixFadvise(destination, at - windowBytes, windowBytes, POSIX_FADV_DONTNEED);
  }
  posixFadvise(destination, from, to - from, POSIX_FADV_DONTNEED);
  return copied;
}
