import { declare, declareAsync } from './libc.ts';

// The calls that read, write and move the content of files, as libc.ts has the others.

/** pread(2) */
export const pread = declare('intptr_t pread(int, void *, size_t, int64_t)') as (
  fd: number,
  buffer: Uint8Array,
  bytes: number,
  offset: number,
) => number;
/** pwrite(2) */
export const pwrite = declare('intptr_t pwrite(int, const void *, size_t, int64_t)') as (
  fd: number,
  buffer: Uint8Array,
  bytes: number,
  offset: number,
) => number;
/** ftruncate(2) */
export const ftruncate = declare('int ftruncate(int, int64_t)') as (fd: number, bytes: number) => number;
/** fsync(2) */
export const fsync = declare('int fsync(int)') as (fd: number) => number;
/** syncfs(2), while the caller's other work goes on */
export const syncfs = declareAsync('int syncfs(int)') as (fd: number) => Promise<number>;

/**
 * ioctl_ficlone(2): all of an open file becomes the content of another, sharing its blocks, holes too. ioctl is variadic
 * in C. A fixed prototype passes integers and pointers in the same registers, on x86-64 and on arm64 as Linux has it.
 */
const rawFiclone = declare('int ioctl(int, unsigned long, int)');
const FICLONE = 0x40049409;
export function ficlone(source: number, destination: number): number {
  return rawFiclone(destination, FICLONE, source);
}

const rawFicloneRange = declare('int ioctl(int, unsigned long, const void *)');
const FICLONERANGE = 0x4020940d;
/** struct file_clone_range: source, its offset, bytes, the destination's offset. */
const cloneRange = new BigInt64Array(4);
const cloneRangeBytes = new Uint8Array(cloneRange.buffer);

/** FICLONERANGE, at the same offset in both files; both ends must be multiples of a block, or the source's end. */
export function ficloneRange(source: number, destination: number, from: number, bytes: number): number {
  cloneRange[0] = BigInt(source);
  cloneRange[1] = cloneRange[3] = BigInt(from);
  cloneRange[2] = BigInt(bytes);
  return rawFicloneRange(destination, FICLONERANGE, cloneRangeBytes);
}

const rawCopyFileRange = declare('intptr_t copy_file_range(int, void *, int, void *, size_t, uint32_t)');
const [sourceOffset, destinationOffset] = [new BigInt64Array(1), new BigInt64Array(1)];
const sourceOffsetBytes = new Uint8Array(sourceOffset.buffer);
const destinationOffsetBytes = new Uint8Array(destinationOffset.buffer);

/** copy_file_range(2), at the same offset in both files. */
export function copyFileRange(source: number, destination: number, from: number, bytes: number): number {
  sourceOffset[0] = destinationOffset[0] = BigInt(from);
  return rawCopyFileRange(source, sourceOffsetBytes, destination, destinationOffsetBytes, bytes, 0);
}

/** sendfile(2); it writes where the destination's own offset is */
const rawSendfile = declare('intptr_t sendfile(int, int, void *, size_t)');
export function sendfile(source: number, destination: number, from: number, bytes: number): number {
  sourceOffset[0] = BigInt(from);
  return rawSendfile(destination, source, sourceOffsetBytes, bytes);
}

export const POSIX_FADV_DONTNEED = 4;
/** posix_fadvise(2), which returns an errno of its own accord: of no consequence here */
export const posixFadvise = declare('int posix_fadvise(int, int64_t, int64_t, int)') as (
  fd: number,
  from: number,
  bytes: number,
  advice: number,
) => number;

export const SYNC_FILE_RANGE_WRITE = 2;
/** sync_file_range(2) */
export const syncFileRange = declare('int sync_file_range(int, int64_t, int64_t, uint32_t)') as (
  fd: number,
  from: number,
  bytes: number,
  flags: number,
) => number;

// Addresses are below 2^47 and travel as numbers: nothing here looks behind them
const mmap = declare('intptr_t mmap(intptr_t, size_t, int, int, int, int64_t)');
const munmap = declare('int munmap(intptr_t, size_t)');
const mincore = declare('int mincore(intptr_t, size_t, void *)');
const PROT_READ = 1;
const MAP_SHARED = 1;
const smallestPage = 4096;
/** What no kernel writes: where pages are larger, there are fewer of them. */
const untouched = 2;

/**
 * True when at least half of a stretch of an open file is in memory (mincore(2)); undefined when that cannot be told.
 * `from` is a multiple of 64 KiB. To those who could not write the file the kernel says that all of it is.
 */
export function isMostlyResident(fd: number, from: number, bytes: number): boolean | undefined {
  const address = mmap(0, bytes, PROT_READ, MAP_SHARED, fd, from);
  if (address < 0) return undefined;
  const pages = new Uint8Array(Math.ceil(bytes / smallestPage)).fill(untouched);
  const result = mincore(address, bytes, pages);
  munmap(address, bytes);
  if (result < 0) return undefined;
  let [resident, told] = [0, 0];
  for (const page of pages) {
    if (page === untouched) break;
    told++;
    resident += page & 1;
  }
  return resident * 2 >= told;
}

export const ENOTTY = -25;
export const EXDEV = -18;
export const EINVAL = -22;
export const ENOSYS = -38;
export const ETXTBSY = -26;
export const EBADF = -9;
/** The kernel's own, which NFS lets through. */
export const ENOTSUPP = -524;
