import { declare, declareAsync, type NativeName } from './libc.ts';

// The calls for the names in a directory, as libc.ts has the others.

/** getdents64(2), by its number: glibc has no wrapper before 2.30 */
const syscallPrototype = 'long syscall(long, long, void *, size_t)';
const rawSyscall = declare(syscallPrototype);
const rawSyscallAsync = declareAsync(syscallPrototype);
const SYS_getdents64 = process.arch === 'arm64' ? 61 : 217;
export function getdents64(fd: number, buffer: Uint8Array): number {
  return rawSyscall(SYS_getdents64, fd, buffer, buffer.length);
}
export function getdents64Async(fd: number, buffer: Uint8Array): Promise<number> {
  return rawSyscallAsync(SYS_getdents64, fd, buffer, buffer.length);
}
/** mkdirat(2) */
export const mkdirat = declare('int mkdirat(int, const char *, uint32_t)') as (
  directory: number,
  name: NativeName,
  mode: number,
) => number;
/** unlinkat(2) */
export const unlinkat = declare('int unlinkat(int, const char *, int)') as (
  directory: number,
  name: NativeName,
  flags: number,
) => number;
/** renameat(2) */
export const renameat = declare('int renameat(int, const char *, int, const char *)') as (
  oldDirectory: number,
  oldName: NativeName,
  newDirectory: number,
  newName: NativeName,
) => number;
/** linkat(2) */
export const linkat = declare('int linkat(int, const char *, int, const char *, int)') as (
  oldDirectory: number,
  oldName: NativeName,
  newDirectory: number,
  newName: NativeName,
  flags: number,
) => number;
/** symlinkat(2) */
export const symlinkat = declare('int symlinkat(const char *, int, const char *)') as (
  target: NativeName,
  directory: number,
  name: NativeName,
) => number;
/** readlinkat(2) */
const rawReadlinkat = declare('intptr_t readlinkat(int, const char *, void *, size_t)');
export function readlinkat(directory: number, name: NativeName, buffer: Uint8Array): number {
  return rawReadlinkat(directory, name, buffer, buffer.length);
}
const readlinkatAtPrototype = 'intptr_t readlinkat(int, uintptr_t, uintptr_t, size_t)';
/** readlinkat(2), the name and the buffer given by their addresses. */
export const readlinkatAt = declare(readlinkatAtPrototype) as (
  directory: number,
  name: number,
  buffer: number,
  bytes: number,
) => number;
/** The same on a thread of the pool. */
export const readlinkatAtAsync = declareAsync(readlinkatAtPrototype) as (
  ...args: Parameters<typeof readlinkatAt>
) => Promise<number>;
/** mknodat(2) */
export const mknodat = declare('int mknodat(int, const char *, uint32_t, uint64_t)') as (
  directory: number,
  name: NativeName,
  mode: number,
  device: number,
) => number;
