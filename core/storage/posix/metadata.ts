import type { FileStatus } from './file-status.ts';
import {
  AT_SYMLINK_NOFOLLOW,
  EPERM,
  fchmod,
  fchown,
  fchownat,
  futimens,
  type NativeName,
  utimensat,
} from './libc.ts';
import { check } from './system-error.ts';

/** Counts what could not be kept, by kind: told once per kind, not once per file. */
export type NoteCounter = (note: string) => void;

const me = {
  uid: process.geteuid?.() ?? -1,
  gid: process.getegid?.() ?? -1,
  groups: new Set(process.getgroups?.() ?? []),
};

/**
 * Gives an open file or directory the owner, mode and times of `status`, in the order that never widens access:
 * owner first (it clears setuid), then mode, times last. Extended attributes and ACLs belong between owner and mode.
 */
export function applyMetadata(fd: number, status: FileStatus, note: NoteCounter): void {
  const { uid, gid } = allowedOwner(status);
  if (uid !== -1 || gid !== -1) noteRefusal(fchown(fd, uid, gid), note);
  if (uid === -1 && status.uid !== me.uid) noteOwner(status, note);
  check(fchmod(fd, status.mode), 'set mode');
  check(futimens(fd, status.times), 'set times');
}

/** The same for a name that cannot be opened: a symlink or a special file, just made under a temporary name. */
export function applyMetadataByName(
  directory: number,
  name: NativeName,
  status: FileStatus,
  note: NoteCounter,
): void {
  const { uid, gid } = allowedOwner(status);
  if (uid !== -1 || gid !== -1) noteRefusal(fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW), note);
  check(utimensat(directory, name, status.times, AT_SYMLINK_NOFOLLOW), 'set times');
}

/** Root sets both; anybody else may only give a file to a group that is his. -1 leaves an id as it is. */
function allowedOwner(status: FileStatus): { uid: number; gid: number } {
  if (me.uid === 0) return { uid: signed(status.uid), gid: signed(status.gid) };
  return { uid: -1, gid: status.gid !== me.gid && me.groups.has(status.gid) ? signed(status.gid) : -1 };
}

/** Ids beyond 2^31 are negative ints for the call. */
function signed(id: number): number {
  return id | 0;
}

function noteRefusal(result: number, note: NoteCounter): void {
  if (result === EPERM) note('owner or group not kept');
  else check(result, 'set owner');
}

function noteOwner(status: FileStatus, note: NoteCounter): void {
  note(status.mode & 0o6000 ? 'owner not kept of a file with setuid or setgid' : 'owner not kept');
}
