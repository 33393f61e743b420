import { nextData } from './compare-content.ts';
import { ContentDigest } from './content-digest.ts';
import { lseek, SEEK_END, SEEK_HOLE } from './libc.ts';
import { POSIX_FADV_DONTNEED, posixFadvise, pread } from './libc-content.ts';
import { takeBytes } from './limits.ts';
import { check } from './system-error.ts';

const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
/** From this size on what was read is not left in memory. */
const largeRange = 32 * 1024 * 1024;
/** No page of memory is larger; a part of one is not let go. */
const pageBytes = 64 * 1024;

export type HashedRange = {
  readonly from: number;
  readonly to: number;
  /** False when all of the file is allocated: then nothing has to be asked about holes. */
  readonly maySkipHoles: boolean;
  /** It is read from its disk again, and not from what memory holds of it. */
  readonly isFresh: boolean;
};

/** The digest of a range of an open file; undefined when the file ends before. Throws a SystemError. */
export function hashContent(
  fd: number,
  { from, to, maySkipHoles, isFresh }: HashedRange,
): string | undefined {
  const begin = from - (from % pageBytes);
  const letGo = () =>
    void posixFadvise(fd, begin, Math.ceil(to / pageBytes) * pageBytes - begin, POSIX_FADV_DONTNEED);
  if (isFresh) letGo();
  // What is behind its end looks like a hole
  if (maySkipHoles && lseek(fd, 0, SEEK_END) < to) return undefined;
  const digest = new ContentDigest(from);
  while (digest.position < to) {
    if (maySkipHoles) digest.zerosUpTo(nextData(fd, digest.position, to));
    const hole = maySkipHoles ? lseek(fd, digest.position, SEEK_HOLE) : to;
    if (!readUpTo(fd, digest, hole <= digest.position ? to : Math.min(hole, to))) return undefined;
  }
  if (isFresh && to - from >= largeRange) letGo();
  return digest.end();
}

/** False when the file ends before. */
function readUpTo(fd: number, digest: ContentDigest, end: number): boolean {
  while (digest.position < end) {
    const wanted = takeBytes(Math.min(buffer.length, end - digest.position));
    const read = check(pread(fd, buffer, wanted, digest.position), 'read');
    if (read === 0) return false;
    digest.add(read === buffer.length ? buffer : buffer.subarray(0, read));
  }
  return true;
}
