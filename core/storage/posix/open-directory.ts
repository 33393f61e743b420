import { FileStatus } from './file-status.ts';
import {
  close,
  EACCES,
  EEXIST,
  ELOOP,
  ENOENT,
  ENOTDIR,
  type NativeName,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  openat,
} from './libc.ts';
import { fchmodat } from './libc-metadata.ts';
import { mkdirat, unlinkat } from './libc-names.ts';
import { check, SystemError } from './system-error.ts';

/** How directories of the source are opened: a symlink is not followed. */
export const sourceDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const flags = sourceDirectoryFlags;

/** The same, where symlinks may be what they lead to. */
export function flagsOfSource(followsSymlinks: boolean): number {
  return followsSymlinks ? sourceDirectoryFlags & ~O_NOFOLLOW : sourceDirectoryFlags;
}
const status = new FileStatus();

/** Opens a directory of the source; a symlink in its place is not followed. */
export function openSourceDirectory(parent: number, name: NativeName): number {
  return check(openat(parent, name, sourceDirectoryFlags, 0), 'open source directory');
}

/** Opens a directory of the source, also one that a symlink leads to. */
export function followSourceDirectory(parent: number, name: NativeName): number {
  return check(openat(parent, name, sourceDirectoryFlags & ~O_NOFOLLOW, 0), 'open source directory');
}

/** Opens a directory of the destination that must be there. */
export function openExistingDirectory(parent: number, name: NativeName): number {
  return check(openat(parent, name, flags, 0), 'open destination directory');
}

/** For names to be looked at in it only: needs no permission to read it, and no server hears of it. */
export const passingFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/** Opens a directory so. */
export function openToPass(parent: number, name: NativeName): number {
  return check(openat(parent, name, passingFlags, 0), 'open destination directory');
}

export type OpenedDirectory = { readonly fd: number; readonly isNew: boolean };

/** Left out: a directory that is missing is made, and what stands in its place goes. */
export type DirectoryRules = { readonly makesNone?: boolean; readonly replacesNothing?: boolean };

/**
 * Opens a directory of the destination and makes it, mode 0700, if it is missing. A symlink or file in its
 * place is replaced, never followed; a directory that its own mode keeps us out of gets `u+rwx` until finish.
 */
export function openOrMakeDirectory(
  parent: number,
  name: NativeName,
  { makesNone, replacesNothing }: DirectoryRules = {},
): OpenedDirectory {
  const made = makesNone ? EEXIST : makeUnlocking(parent, name);
  const fd = openat(parent, name, flags, 0);
  if (fd >= 0) return { fd, isNew: made === 0 };
  if (fd === EACCES) return { fd: openLocked(parent, name), isNew: false };
  if (replacesNothing || (fd !== ENOTDIR && fd !== ELOOP))
    throw new SystemError(errorOf(fd), 'open destination directory');
  return { fd: replaceByDirectory(parent, name), isNew: true };
}

function errorOf(result: number): string {
  try {
    check(result, '');
  } catch (error) {
    return (error as SystemError).cause;
  }
  return 'EINVAL';
}

function replaceByDirectory(parent: number, name: NativeName): number {
  let removed = unlinkat(parent, name, 0);
  if (removed === EACCES && isUnlocked(parent)) removed = unlinkat(parent, name, 0);
  if (removed !== ENOENT) check(removed, 'replace what stands where a directory belongs');
  makeUnlocking(parent, name);
  return check(openat(parent, name, flags, 0), 'open destination directory');
}

/** Makes a directory, also in one that its own mode keeps its owner out of. Returns 0, or EEXIST. */
function makeUnlocking(parent: number, name: NativeName): number {
  let made = mkdirat(parent, name, 0o700);
  if (made === EACCES && isUnlocked(parent)) made = mkdirat(parent, name, 0o700);
  if (made !== EEXIST) check(made, 'make directory');
  return made;
}

/** True when a directory that belongs to us could be opened for its owner. */
function isUnlocked(directory: number): boolean {
  try {
    unlock(directory);
    return true;
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}

/** By way of a descriptor that needs no permission, so that no symlink can be put in between. */
function openLocked(parent: number, name: NativeName): number {
  const path = check(
    openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0),
    'open destination directory',
  );
  try {
    if (!isUnlocked(path)) throw new SystemError('EACCES', 'open destination directory');
    return check(openat(parent, name, flags, 0), 'open destination directory');
  } finally {
    close(path);
  }
}

/** Gives the owner of a directory all permissions on it, and takes none away. */
export function unlock(directory: number): void {
  const mode = status.readOpen(directory, 'look at destination directory').mode;
  check(fchmodat(-100, `/proc/self/fd/${directory}`, mode | 0o700, 0), 'open destination directory');
}
