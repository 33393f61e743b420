import { FileStatus } from './file-status.ts';
import { close, type NativeName, O_CLOEXEC, O_NOFOLLOW, O_PATH, openat } from './libc.ts';
import { check, SystemError } from './system-error.ts';

const status = new FileStatus();

/**
 * Holds what was just made under a name in a directory of the destination, whatever takes the name afterwards: somebody else
 * may be allowed to write there. Nothing but a new thing of the type is held. Returns a descriptor that
 * gives no access. Throws a SystemError.
 */
export function pin(directory: number, name: NativeName, type: FileStatus['type']): number {
  const fd = check(openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0), 'look at the new file');
  status.readOpen(fd, 'look at the new file');
  // A further name of something else would have two
  if (status.type === type && status.links <= 1) return fd;
  close(fd);
  throw new SystemError('EEXIST', 'look at the new file');
}

/** For calls that take a path: it leads to what is held, and to nothing behind it when that is a symlink. */
export function pinnedPath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}
