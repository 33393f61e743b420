import { accessAcl, removeAttribute } from './extended-attributes.ts';
import { FileStatus, withBirth } from './file-status.ts';
import {
  AT_FDCWD,
  close,
  EACCES,
  EEXIST,
  ENOENT,
  type NativeName,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDWR,
  openat,
} from './libc.ts';
import { fchmod, fchmodat, fchown } from './libc-metadata.ts';
import { unlinkat } from './libc-names.ts';
import { me } from './ownership.ts';
import { pin, pinnedPath } from './pinned.ts';
import { check, SystemError } from './system-error.ts';
import type { DirectoryFacts } from './trees.ts';

const flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
const status = new FileStatus();

export type PartsPlace = {
  readonly destinationDirectory: number;
  readonly directory: DirectoryFacts;
  readonly temporary: NativeName;
};

/** So often may others who make it, or who are in the way, be quicker. */
const triesAtMost = 8;

/**
 * Opens the one temporary file of a divided file, and makes it when it is missing: whichever worker comes first. Its name is known
 * beforehand, so whoever may write to the directory can have put something there. Only a file of our own, with
 * one name and closed to everybody else, is written to; what else has the name is replaced. Throws a SystemError.
 */
export function openParts(place: PartsPlace): number {
  for (let tries = 1; tries <= triesAtMost; tries++) {
    const made = openat(place.destinationDirectory, place.temporary, flags | O_CREAT | O_EXCL, 0o600);
    if (made >= 0) return withoutAcl(made, place.directory);
    if (made !== EEXIST) check(made, 'create');
    const fd = openat(place.destinationDirectory, place.temporary, flags, 0);
    if (fd >= 0 && isOurs(fd)) return fd;
    if (fd >= 0) close(fd);
    if (fd !== ENOENT) replace(place);
  }
  throw new SystemError('EEXIST', 'create');
}

/** Opens the same file once all parts are written. Throws a SystemError: `CHANGED` when another has its name. */
export function reopenParts(place: PartsPlace, identity: string): number {
  const opened = openat(place.destinationDirectory, place.temporary, flags, 0);
  // A finish that was ended before it could rename it has given it its mode already
  const fd = check(opened === EACCES ? openClosed(place, identity) : opened, 'open the temporary file');
  if (identityOf(fd) === identity) return fd;
  close(fd);
  throw new SystemError('CHANGED', 'look at the temporary file');
}

function openClosed({ destinationDirectory, temporary }: PartsPlace, identity: string): number {
  const pinned = pin(destinationDirectory, temporary, 'file');
  try {
    if (identityOf(pinned) !== identity) return EACCES;
    check(fchmodat(AT_FDCWD, pinnedPath(pinned), status.mode | 0o600, 0), 'open the temporary file');
    return openat(destinationDirectory, temporary, flags, 0);
  } finally {
    close(pinned);
  }
}

function identityOf(fd: number): string {
  return status.readOpen(fd, 'look at the temporary file', withBirth).identity;
}

/** Who has opened it before would have it open still, so it is made again rather than closed to others. */
function replace({ destinationDirectory, temporary }: PartsPlace): void {
  const removed = unlinkat(destinationDirectory, temporary, 0);
  if (removed !== ENOENT) check(removed, 'create');
}

/** An ACL that its directory gave it does nothing before its mode is set, and would then be wider than the source. */
function withoutAcl(fd: number, { hasDefaultAcl }: DirectoryFacts): number {
  if (hasDefaultAcl) removeAttribute(fd, accessAcl);
  return fd;
}

function isOurs(fd: number): boolean {
  const { type, links, mode, uid } = status.readOpen(fd, 'look at the temporary file');
  return type === 'file' && links === 1 && (mode & 0o077) === 0 && (uid === me.uid || isOursThere(fd));
}

/**
 * A server may give what is made to somebody else than its maker (root_squash). Root that can take a file is not
 * served like that, so it is a stranger's; and nobody but its owner, as the server sees it, may set its mode.
 */
function isOursThere(fd: number): boolean {
  return !(me.uid === 0 && fchown(fd, 0, -1) === 0) && fchmod(fd, 0o600) === 0;
}
