import { FileStatus, withMount } from './file-status.ts';
import { AT_FDCWD, close, nativeName, O_CLOEXEC, O_DIRECTORY, O_RDONLY, openat } from './libc.ts';
import { check } from './system-error.ts';

const status = new FileStatus();
const above = new FileStatus();
const flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

/** A name in an open directory, of a path that ends with no slash: what is removed is that, whatever becomes of the path that led there. Throws a SystemError. */
export function openParentOf(path: string): { readonly parent: number; readonly name: string } {
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  const directory = slash < 0 ? '.' : path.slice(0, slash) || '/';
  const parent = check(openat(AT_FDCWD, nativeName(directory), flags, 0), 'open its directory');
  return { parent, name };
}

/** True when something has this name and is no directory; a symlink is none. */
export function isOther(parent: number, name: string): boolean {
  return status.read(parent, nativeName(name)) === 0 && status.type !== 'directory';
}

/** False for a symlink, too. */
export function isDirectoryAt(parent: number, name: string): boolean {
  return status.read(parent, nativeName(name)) === 0 && status.type === 'directory';
}

/** True when another file system, or another place of the same one, is mounted at this name. */
export function isMountPoint(parent: number, name: string): boolean {
  if (status.read(parent, nativeName(name), withMount) < 0) return false;
  return (
    status.isMountRoot || !status.isInMountOf(above.readOpen(parent, 'look at its directory', withMount))
  );
}

/** True when the directory that somebody stands in is at this name, or below it. */
export function holdsCurrentDirectory(parent: number, name: string): boolean {
  if (status.read(parent, nativeName(name)) < 0 || status.type !== 'directory') return false;
  let fd = check(openat(AT_FDCWD, '.', flags, 0), 'open the current directory');
  try {
    for (;;) {
      if (above.readOpen(fd, 'look at the current directory').isSameFileAs(status)) return true;
      const { inode, device } = above;
      const next = check(openat(fd, '..', flags, 0), 'open what is above the current directory');
      close(fd);
      fd = next;
      above.readOpen(fd, 'look above the current directory');
      if (above.inode === inode && above.device === device) return false;
    }
  } finally {
    close(fd);
  }
}
