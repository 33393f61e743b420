import { FileStatus } from './file-status.ts';
import { ENOENT, errnoName, type NativeName, nativeName } from './libc.ts';

export type Symlink = {
  /** The open root of the walk, and below it the directory that holds the symlink: open, and its path. */
  readonly root: number;
  readonly parent: number;
  readonly directory: string;
  readonly name: NativeName;
};

const above = new FileStatus();

/**
 * Reads the status of what a symlink leads to. Returns why it cannot be followed: an errno's name, `DANGLING` when
 * it leads nowhere, or `ELOOP` when it leads to a directory that it is in itself.
 */
export function followSymlink(symlink: Symlink, target: FileStatus): string | undefined {
  const result = target.readFollowed(symlink.parent, symlink.name);
  if (result === ENOENT) return 'DANGLING';
  if (result < 0) return errnoName(result);
  return target.type === 'directory' ? findCircle(symlink, target) : undefined;
}

/** Compares with each directory on the way from the root; a circle is found the first time it would be gone round. */
function findCircle({ root, directory }: Symlink, target: FileStatus): string | undefined {
  const names = directory === '' ? [] : directory.split('/');
  for (let depth = 0; depth <= names.length; depth++) {
    const path = depth === 0 ? '.' : names.slice(0, depth).join('/');
    const result = above.readFollowed(root, nativeName(path));
    if (result < 0) return errnoName(result);
    if (above.isSameFileAs(target)) return 'ELOOP';
  }
  return undefined;
}
