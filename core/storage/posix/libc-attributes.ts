import { AT_SYMLINK_NOFOLLOW, declare, declareAsync, type NativeName } from './libc.ts';

// The calls for extended attributes (xattr(7)), as libc.ts has the others.

/** flistxattr(2), llistxattr(2) */
export const flistxattr = declare('intptr_t flistxattr(int, void *, size_t)') as (
  fd: number,
  names: Uint8Array,
  bytes: number,
) => number;
export const llistxattr = declare('intptr_t llistxattr(const char *, void *, size_t)') as (
  path: NativeName,
  names: Uint8Array,
  bytes: number,
) => number;
/** The same on a thread of the pool. */
export const llistxattrAsync = declareAsync('intptr_t llistxattr(const char *, void *, size_t)') as (
  path: NativeName,
  names: Uint8Array,
  bytes: number,
) => Promise<number>;
/** llistxattr(2), the name and the buffer given by their addresses. */
export const llistxattrAt = declare('intptr_t llistxattr(uintptr_t, uintptr_t, size_t)') as (
  path: number,
  names: number,
  bytes: number,
) => number;
/** stpcpy(3), by addresses */
export const stpcpy = declare('uintptr_t stpcpy(uintptr_t, uintptr_t)') as (
  to: number,
  from: number,
) => number;
const listxattrat = declare('long syscall(long, long, uintptr_t, long, uintptr_t, size_t)') as (
  ...numbers: number[]
) => number;
const SYS_listxattrat = 465;
/** listxattrat(2), from Linux 6.13 on, symlinks not followed; the name and the buffer given by their addresses. */
export function listxattrAt(directory: number, name: number, names: number, bytes: number): number {
  return listxattrat(SYS_listxattrat, directory, name, AT_SYMLINK_NOFOLLOW, names, bytes);
}
/** fgetxattr(2), lgetxattr(2); with 0 bytes they tell the value's size */
export const fgetxattr = declare('intptr_t fgetxattr(int, const char *, void *, size_t)') as (
  fd: number,
  name: NativeName,
  value: Uint8Array,
  bytes: number,
) => number;
export const lgetxattr = declare('intptr_t lgetxattr(const char *, const char *, void *, size_t)') as (
  path: NativeName,
  name: NativeName,
  value: Uint8Array,
  bytes: number,
) => number;
/** The same on a thread of the pool. */
export const lgetxattrAsync = declareAsync(
  'intptr_t lgetxattr(const char *, const char *, void *, size_t)',
) as (...args: Parameters<typeof lgetxattr>) => Promise<number>;
/** fsetxattr(2), setxattr(2), which follows symlinks: give it nothing but the path of something pinned */
export const fsetxattr = declare('int fsetxattr(int, const char *, const void *, size_t, int)') as (
  fd: number,
  name: NativeName,
  value: Uint8Array,
  bytes: number,
  flags: number,
) => number;
export const setxattr = declare('int setxattr(const char *, const char *, const void *, size_t, int)') as (
  path: NativeName,
  name: NativeName,
  value: Uint8Array,
  bytes: number,
  flags: number,
) => number;
/** fremovexattr(2), removexattr(2), which follows symlinks likewise */
export const fremovexattr = declare('int fremovexattr(int, const char *)') as (
  fd: number,
  name: NativeName,
) => number;
export const removexattr = declare('int removexattr(const char *, const char *)') as (
  path: NativeName,
  name: NativeName,
) => number;
