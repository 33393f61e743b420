import { declare, declareAsync, type NativeName } from './libc.ts';

// The calls that tell and change what a file is like beside its content, as libc.ts has the others.

export const STATX_BASIC_STATS = 0x7ff;
export const STATX_MNT_ID = 0x1000;
export const STATX_BTIME = 0x800;
/** STATX_TYPE, STATX_MODE, STATX_NLINK, STATX_INO, STATX_SIZE: what the scan wants to know. */
export const STATX_SCAN = 0x307;
export const STATX_INO = 0x100;
export const STATX_MTIME = 0x40;
/** STATX_MTIME, STATX_UID, STATX_GID: what a stamp has of them. */
export const STATX_STAMP = 0x58;

/** statx(2); `buffer` has 256 bytes */
export const statx = declare('int statx(int, const char *, int, uint32_t, void *)') as (
  directory: number,
  name: NativeName,
  flags: number,
  mask: number,
  buffer: Uint8Array,
) => number;
/** statx(2) on a thread of the pool. */
export const statxAsync = declareAsync('int statx(int, const char *, int, uint32_t, void *)') as (
  ...args: Parameters<typeof statx>
) => Promise<number>;
const statxAtPrototype = 'int statx(int, uintptr_t, int, uint32_t, uintptr_t)';
/** statx(2), the name and the buffer given by their addresses. */
export const statxAt = declare(statxAtPrototype) as (
  directory: number,
  name: number,
  flags: number,
  mask: number,
  buffer: number,
) => number;
/** statx(2) on a thread of the pool, the name and the buffer given by their addresses. */
export const statxAtAsync = declareAsync(statxAtPrototype) as (
  ...args: Parameters<typeof statxAt>
) => Promise<number>;
/** fchown(2); -1 leaves an id as it is */
export const fchown = declare('int fchown(int, int, int)') as (
  fd: number,
  uid: number,
  gid: number,
) => number;
/** fchownat(2) */
export const fchownat = declare('int fchownat(int, const char *, int, int, int)') as (
  directory: number,
  name: NativeName,
  uid: number,
  gid: number,
  flags: number,
) => number;
/** fchmod(2) */
export const fchmod = declare('int fchmod(int, uint32_t)') as (fd: number, mode: number) => number;
/** fchmodat(2), which follows symlinks: give it nothing but /proc/self/fd paths */
export const fchmodat = declare('int fchmodat(int, const char *, uint32_t, int)') as (
  directory: number,
  name: NativeName,
  mode: number,
  flags: number,
) => number;
/** futimens(3); `times` holds two timespecs, 32 bytes */
export const futimens = declare('int futimens(int, const void *)') as (
  fd: number,
  times: Uint8Array,
) => number;
/** utimensat(2) */
export const utimensat = declare('int utimensat(int, const char *, const void *, int)') as (
  directory: number,
  name: NativeName,
  times: Uint8Array,
  flags: number,
) => number;
