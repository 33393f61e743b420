import {
  EPERM,
  type NativeName,
  O_CLOEXEC,
  O_NOATIME,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  openat,
} from './libc.ts';
import { check } from './system-error.ts';

const readFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
let noAtime = O_NOATIME;

/** Opens a file of the source for reading, without leaving a trace in its atime where the user may do that. */
export function openSource(directory: number, name: NativeName, followsSymlinks: boolean): number {
  const fd = openToRead(directory, name, followsSymlinks ? readFlags : readFlags | O_NOFOLLOW);
  return check(fd, 'open source');
}

/** Opens what the destination has already to compare it; the negative errno where that cannot be. */
export function openExisting(directory: number, name: NativeName): number {
  return openToRead(directory, name, readFlags | O_NOFOLLOW);
}

function openToRead(directory: number, name: NativeName, flags: number): number {
  const fd = openat(directory, name, flags | noAtime, 0);
  if (fd !== EPERM || noAtime === 0) return fd;
  noAtime = 0;
  return openat(directory, name, flags, 0);
}
