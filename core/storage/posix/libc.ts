import koffi from 'koffi';
import { toBytes } from '../../model/names.ts';

// What a call on the pool needs is kept for the next, for as many calls as can be (koffi's limit): measured, a third of what such a call costs
koffi.config({ ...koffi.config(), resident_async_pools: 32 });

/**
 * The system calls, each declared once, as its man page has it, here or in the file of those of its kind. Every function
 * returns what the call returned, or the negative errno; none throws. 64-bit structures are read from buffers, so that
 * nothing is rounded.
 */
const libc = koffi.load('libc.so.6');

type Call = (...args: unknown[]) => number;

/** A call of libc, by its prototype in C: a wrong one is memory corruption, so every use is in a file of its own kind and tested. */
export function declare(signature: string): Call {
  return withArity(libc.func(signature) as Call, signature.split(',').length);
}

/** Passing rest arguments on costs 80 ns a call, so there is one function for each number of them. */
function withArity(call: Call, parameters: number): Call {
  const byNumber: readonly Call[] = [
    () => settle(call()),
    (a) => settle(call(a)),
    (a, b) => settle(call(a, b)),
    (a, b, c) => settle(call(a, b, c)),
    (a, b, c, d) => settle(call(a, b, c, d)),
    (a, b, c, d, e) => settle(call(a, b, c, d, e)),
    (a, b, c, d, e, f) => settle(call(a, b, c, d, e, f)),
  ];
  return byNumber[parameters]!;
}

function settle(result: number | bigint): number {
  return result < 0 ? -koffi.errno() : Number(result);
}

/** The same on a thread of libuv's pool, without waiting; costs 20 us. Buffers among the arguments are kept until then, what addresses lead to is not. */
export function declareAsync(signature: string): (...args: unknown[]) => Promise<number> {
  const call = libc.func(signature);
  return (...args) =>
    new Promise((resolve, reject) => {
      call.async(...args, (error: Error | null, result: number) => {
        // Which also keeps them until now
        args.length = 0;
        if (error) reject(error);
        // koffi carries errno over from the thread that made the call
        else resolve(settle(result));
      });
    });
}

/** A name for the kernel: text goes as UTF-8, names that are not UTF-8 as their bytes. */
export type NativeName = string | Uint8Array;

export function nativeName(text: string): NativeName {
  if (text.isWellFormed()) return text;
  const bytes = toBytes(text);
  const terminated = new Uint8Array(bytes.length + 1);
  terminated.set(bytes);
  return terminated;
}

/** Where bytes lie in memory. They must have been allocated outside of the heap (more than 64), where nothing moves. */
export function addressOf(bytes: Uint8Array): number {
  return Number(koffi.address(bytes));
}

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_EMPTY_PATH = 0x1000;
export const AT_NO_AUTOMOUNT = 0x800;
export const AT_STATX_FORCE_SYNC = 0x2000;
export const SEEK_SET = 0;
export const SEEK_END = 2;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

const isArm = process.arch === 'arm64';
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NONBLOCK = 0o4000;
export const O_DIRECTORY = isArm ? 0o40000 : 0o200000;
export const O_NOFOLLOW = isArm ? 0o100000 : 0o400000;
export const O_NOATIME = 0o1000000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
export const O_TMPFILE = 0o20000000 | O_DIRECTORY;

const openatPrototype = 'int openat(int, const char *, int, uint32_t)';
/** openat(2) */
export const openat = declare(openatPrototype) as (
  directory: number,
  name: NativeName,
  flags: number,
  mode: number,
) => number;
/** openat(2), the name given by its address. */
export const openatAt = declare('int openat(int, uintptr_t, int, uint32_t)') as (
  directory: number,
  name: number,
  flags: number,
  mode: number,
) => number;
/** openat(2) on a thread of the pool. */
export const openatAsync = declareAsync(openatPrototype) as (
  ...args: Parameters<typeof openat>
) => Promise<number>;
/** openat(2) on a thread of the pool, the name given by its address. */
export const openatAtAsync = declareAsync('int openat(int, uintptr_t, int, uint32_t)') as (
  ...args: Parameters<typeof openatAt>
) => Promise<number>;
/** close(2) */
export const close = declare('int close(int)') as (fd: number) => number;
/** close(2) on a thread of the pool: that of a file may wait for a server. */
export const closeAsync = declareAsync('int close(int)') as (fd: number) => Promise<number>;
const fcntl = declare('int fcntl(int, int, int)');
const F_DUPFD_CLOEXEC = 1030;
/** Another descriptor of the same open file: they share the place up to which a directory was read. */
export function duplicate(fd: number): number {
  return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
/** lseek(2) */
export const lseek = declare('int64_t lseek(int, int64_t, int)') as (
  fd: number,
  offset: number,
  whence: number,
) => number;
/** chdir(2), for directories whose names are not UTF-8 */
export const chdir = declare('int chdir(const char *)') as (path: NativeName) => number;

const names = new Map<number, string>(Object.entries(koffi.os.errno).map(([name, code]) => [code, name]));
names.set(koffi.os.errno.EAGAIN ?? 11, 'EAGAIN');

/** EACCES for 13 (or -13). */
export function errnoName(code: number): string {
  return names.get(Math.abs(code)) ?? `errno ${Math.abs(code)}`;
}

export const ENOENT = -2;
export const EEXIST = -17;
export const EACCES = -13;
export const EPERM = -1;
export const ENOTDIR = -20;
export const ELOOP = -40;
export const ENXIO = -6;
export const EMLINK = -31;
export const ERANGE = -34;
export const ENOSYS = -38;
export const ENODATA = -61;
export const EOPNOTSUPP = -95;
