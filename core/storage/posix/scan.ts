import type { Entry } from '../../model/entry.ts';
import { FileStatus } from './file-status.ts';
import { AT_FDCWD, chdir, close, nativeName, O_CLOEXEC, O_DIRECTORY, O_RDONLY, openat } from './libc.ts';
import { check } from './system-error.ts';
import { TreeWalk, type WalkOptions } from './walk.ts';

export type { Identity } from './walk.ts';

export type ScanRequest = Omit<WalkOptions, 'root'> & {
  /** Absolute path of the source. */ readonly path: string;
};

/** Walks a tree (see TreeWalk) from its path; throws a SystemError when the root itself cannot be opened. */
export function* scanTree({ path, ...options }: ScanRequest): Generator<Entry> {
  const root = check(
    openat(AT_FDCWD, nativeName(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0),
    'open the source',
  );
  try {
    yield* new TreeWalk({ ...options, root }).entries();
  } finally {
    close(root);
  }
}

/** Goes to a directory whatever bytes its path has; false when that is not possible. */
export function changeDirectory(path: string): boolean {
  return chdir(nativeName(path)) === 0;
}

/** Device and inode of what a path leads to, symlinks not followed; undefined when there is nothing. */
export function identityOf(path: string): { device: string; inode: string } | undefined {
  const status = new FileStatus();
  return status.read(AT_FDCWD, nativeName(path)) < 0
    ? undefined
    : { device: status.device, inode: status.inode };
}
