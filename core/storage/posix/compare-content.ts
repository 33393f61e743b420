import { lseek, SEEK_DATA, SEEK_HOLE } from './libc.ts';
import { isMostlyResident, POSIX_FADV_DONTNEED, posixFadvise, pread } from './libc-content.ts';
import { takeBytes } from './limits.ts';
import { check } from './system-error.ts';

/** What is read of each side at once. */
const stepBytes = 1024 * 1024;
/** From this size on care is taken not to push what others use out of memory. */
const largeRange = 32 * 1024 * 1024;
/** Where it may be asked what of a file is in memory; ranges of large files begin at a multiple of it. */
const residentStep = 64 * 1024;
const left = Buffer.allocUnsafeSlow(stepBytes);
const right = Buffer.allocUnsafeSlow(stepBytes);

/** Two open files, the second of which may be read from its disk again, and not from what memory holds of it. */
export type OpenPair = { readonly source: number; readonly destination: number; readonly isFresh: boolean };

/**
 * The first byte from `start` on, before `to`, at which two open files differ; -1 where there is none. What is a hole in
 * both is not read. A file that ends before `to` differs there. Throws a SystemError.
 */
export function findDifference(pair: OpenPair, start: number, to: number): number {
  const { source, destination, isFresh } = pair;
  const isLarge = to - start >= largeRange;
  const data = isLarge ? dataFrom(source, destination, start, to) : start;
  if (data === to) return -1;
  const from = isLarge ? data - (data % residentStep) : start;
  const mayStay = !isLarge || (isMostlyResident(source, from, to - from) ?? true);
  if (isFresh) posixFadvise(destination, from, to - from, POSIX_FADV_DONTNEED);
  const found = compareSteps(pair, from, to);
  if (!mayStay) posixFadvise(source, from, to - from, POSIX_FADV_DONTNEED);
  if (isFresh && isLarge) posixFadvise(destination, from, to - from, POSIX_FADV_DONTNEED);
  return found;
}

function compareSteps({ source, destination }: OpenPair, from: number, to: number): number {
  let bytes: number;
  for (let at = from; at < to; at += bytes) {
    bytes = takeBytes(Math.min(stepBytes, to - at));
    const [read, again] = [readFully(source, left, bytes, at), readFully(destination, right, bytes, at)];
    const both = Math.min(read, again);
    if (left.compare(right, 0, both, 0, both) !== 0) return at + firstDifference(both);
    if (both < bytes) return at + both;
    if (isZero(left, both)) at = Math.max(at, dataFrom(source, destination, at + bytes, to) - bytes);
  }
  return -1;
}

/** Zeros are looked behind: they may be the beginning of a hole. */
function isZero(buffer: Buffer, bytes: number): boolean {
  return buffer[0] === 0 && buffer[bytes - 1] === 0 && buffer.readUIntLE(bytes >> 1, 1) === 0;
}

/** Where the first of both has data again. */
function dataFrom(source: number, destination: number, at: number, to: number): number {
  return Math.min(nextData(source, at, to), nextData(destination, at, to));
}

/** Where a file has data from a place on, at most `to`; there itself where its file system does not tell. */
export function nextData(fd: number, at: number, to: number): number {
  const data = lseek(fd, at, SEEK_DATA);
  if (data === ENXIO) return to;
  return data < 0 ? at : Math.min(data, to);
}

const ENXIO = -6;

function readFully(fd: number, buffer: Buffer, bytes: number, at: number): number {
  let read = 0;
  while (read < bytes) {
    const view = read === 0 ? buffer : buffer.subarray(read);
    const more = check(pread(fd, view, bytes - read, at + read), 'read');
    if (more === 0) break;
    read += more;
  }
  return read;
}

function firstDifference(bytes: number): number {
  let at = 0;
  while (at < bytes && left[at] === right[at]) at++;
  return at;
}

/**
 * How many bytes of the holes of an open file hold data in another, in stretches of at least `least`: a hole that is
 * smaller than what a file system allocates at once cannot be kept there. 0 where the file system does not tell holes.
 */
export function filledHoles(source: number, destination: number, bytes: number, least: number): number {
  let filled = 0;
  for (let at = 0; at < bytes; ) {
    const hole = lseek(source, at, SEEK_HOLE);
    if (hole < 0 || hole >= bytes) break;
    const end = nextData(source, hole, bytes);
    if (end <= hole) break;
    filled += dataWithin(destination, hole, end, least);
    at = end;
  }
  return filled;
}

function dataWithin(fd: number, from: number, to: number, least: number): number {
  let found = 0;
  for (let at = nextData(fd, from, to); at < to; at = nextData(fd, at, to)) {
    const hole = lseek(fd, at, SEEK_HOLE);
    const end = hole < 0 ? to : Math.min(hole, to);
    if (end <= at) break;
    if (end - at >= least) found += end - at;
    at = end;
  }
  return found;
}
