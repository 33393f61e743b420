import { readFileSync } from 'node:fs';
import { modeWithoutAcl } from './acl.ts';
import {
  type AttributeChanges,
  type AttributesRequest,
  changeAttributes,
  findAttributeChanges,
  setCapability,
} from './attribute-changes.ts';
import { type AttributePlace, placeOf } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import {
  AT_SYMLINK_NOFOLLOW,
  EPERM,
  fchmod,
  fchmodat,
  fchown,
  fchownat,
  futimens,
  type NativeName,
  utimensat,
} from './libc.ts';
import { check } from './system-error.ts';
import type { DirectoryFacts, Owner } from './trees.ts';

const me = {
  uid: process.geteuid?.() ?? -1,
  gid: process.getegid?.() ?? -1,
  groups: new Set(process.getgroups?.() ?? []),
};

const made = new FileStatus();

/** What permissions a file gets that is given none of its own. */
const umask = readUmask();

export type MetadataRequest = {
  /** What the source is like, and where its extended attributes are. */
  readonly status: FileStatus;
  readonly source: AttributePlace;
  /** The directory of the destination. */
  readonly directory: DirectoryFacts;
  readonly keeper: Keeper;
};

/**
 * Gives an open file that was just made the owner, extended attributes, ACL, mode and times of its source, in the
 * order that never widens access: owner first (it clears setuid), capability after the mode, times last.
 */
export function applyMetadata(fd: number, request: MetadataRequest, had?: AttributesRequest['had']): void {
  const { status, source, directory, keeper } = request;
  const attributes: AttributesRequest = {
    source,
    sourceDevice: status.deviceNumber,
    destination: fd,
    destinationDevice: directory.device,
    had: had ?? (directory.hasDefaultAcl ? 'inherited ACL' : 'nothing'),
  };
  const wanted = allowedOwner(request);
  const has = had === undefined && isAny(wanted) ? ownerOfNew(fd, directory) : undefined;
  if (isAny(wanted) && !isSameOwner(wanted, has)) noteRefusal(fchown(fd, wanted.uid, wanted.gid), keeper);
  noteLosses(status, keeper);
  const changes = findAttributeChanges(attributes, keeper);
  applyOpenAccess(fd, { ...request, changes });
}

/** All but the owner, of an open file or directory: what its extended attributes need is known. */
export function applyOpenAccess(
  fd: number,
  { status, directory, keeper, changes }: MetadataRequest & { readonly changes: AttributeChanges },
): void {
  const lostAcl = changeAttributes(fd, changes, directory.device, keeper);
  check(fchmod(fd, modeFor(status, keeper, lostAcl)), 'set mode');
  setCapability(fd, changes, directory.device, keeper);
  if (keeper.times) check(futimens(fd, status.times), 'set times');
}

/** The same for a name that cannot be opened: a symlink or a special file, just made under a temporary name without any permission. */
export function applyMetadataByName(directory: number, name: NativeName, request: MetadataRequest): void {
  const { status, keeper } = request;
  const { uid, gid } = allowedOwner(request);
  if (uid !== -1 || gid !== -1) noteRefusal(fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW), keeper);
  noteLosses(status, keeper);
  // A symlink has no ACL, and attributes that only root may see
  if (status.type !== 'symlink' || me.uid === 0) applyAttributesByName(directory, name, request);
  if (keeper.times) check(utimensat(directory, name, status.times, AT_SYMLINK_NOFOLLOW), 'set times');
}

function applyAttributesByName(directory: number, name: NativeName, request: MetadataRequest): void {
  const { status, source, keeper, directory: facts } = request;
  const isSymlink = status.type === 'symlink';
  const destination = placeOf(directory, name);
  const attributes: AttributesRequest = {
    source,
    sourceDevice: status.deviceNumber,
    destination,
    destinationDevice: facts.device,
    had: facts.hasDefaultAcl && !isSymlink ? 'inherited ACL' : 'nothing',
  };
  const lostAcl = changeAttributes(
    destination,
    findAttributeChanges(attributes, keeper),
    facts.device,
    keeper,
  );
  // Just made under a name of our own, so nothing can be followed here
  if (!isSymlink) check(fchmodat(directory, name, modeFor(status, keeper, lostAcl), 0), 'set mode');
}

/** The permissions of the copy: never more than the source gave, whatever is lost. */
export function modeFor(status: FileStatus, keeper: Keeper, lostAcl: Uint8Array | undefined): number {
  let { mode } = status;
  if (lostAcl !== undefined) mode = modeWithoutAcl(mode, lostAcl);
  if (!keeper.mode) return mode & 0o777 & ~umask;
  if (keeper.owner || (status.uid === me.uid && status.gid === me.gid)) return mode;
  // A program that runs as its owner must not run as whoever copied it, when its owner is not even tried to be kept
  return mode & ~0o6000;
}

/** What a new file belongs to depends on the directory, the mount and the server; the first file of a directory tells. */
function ownerOfNew(fd: number, directory: DirectoryFacts): Owner {
  if (directory.ownerOfNew === undefined) {
    const { uid, gid } = made.readOpen(fd, 'look at the new file');
    directory.ownerOfNew = { uid: signed(uid), gid: signed(gid) };
  }
  return directory.ownerOfNew;
}

function isAny({ uid, gid }: Owner): boolean {
  return uid !== -1 || gid !== -1;
}

function isSameOwner(wanted: Owner, has: Owner | undefined): boolean {
  return has !== undefined && (wanted.uid === -1 || wanted.uid === has.uid) && wanted.gid === has.gid;
}

/** Root sets both; anybody else may only give a file to a group that is his. -1 leaves an id as it is. */
export function allowedOwner({ status, directory, keeper }: Omit<MetadataRequest, 'source'>): Owner {
  if (!keeper.owner) return { uid: -1, gid: -1 };
  if (me.uid === 0) return { uid: signed(status.uid), gid: signed(status.gid) };
  const isGiven = status.gid === me.gid && !directory.givesGroup;
  return { uid: -1, gid: !isGiven && mayGive(status.gid) ? signed(status.gid) : -1 };
}

/** True when this user can give a file to the group. */
export function mayGive(gid: number): boolean {
  return me.uid === 0 || gid === me.gid || me.groups.has(gid);
}

/** Ids beyond 2^31 are negative ints for the call. */
export function signed(id: number): number {
  return id | 0;
}

export function noteRefusal(result: number, keeper: Keeper): void {
  if (result === EPERM) keeper.lose('owner', 'owner or group not kept');
  else check(result, 'set owner');
}

/** What this user, or any copy, cannot keep of what the source is. */
export function noteLosses(status: FileStatus, keeper: Keeper): void {
  if (status.isImmutable) keeper.lose('flags', 'immutable flag not kept');
  if (status.isAppendOnly) keeper.lose('flags', 'append-only flag not kept');
  if (me.uid === 0 || !keeper.owner) return;
  if (status.uid !== me.uid) {
    const isSpecial = (status.mode & 0o6000) !== 0 && status.type !== 'directory' && keeper.mode;
    keeper.lose('owner', isSpecial ? 'owner not kept of a file with setuid or setgid' : 'owner not kept');
  } else if (!mayGive(status.gid)) keeper.lose('owner', 'group not kept');
}

/** Asking for it by umask(2) would set it for a moment, for all threads. */
function readUmask(): number {
  try {
    return Number.parseInt(
      /^Umask:\s*([0-7]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '77',
      8,
    );
  } catch {
    return 0o077;
  }
}
