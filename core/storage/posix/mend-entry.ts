import { type Comparison, mendedNote } from '../../model/compare.ts';
import {
  type AttributeChanges,
  type AttributesRequest,
  changeAttributes,
  findAttributeChanges,
  hasChanges,
  hasPossibleChanges,
  setCapability,
} from './attribute-changes.ts';
import { listAttributes, listAttributesIn, placeOf } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  close,
  type NativeName,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_PATH,
  openat,
} from './libc.ts';
import { fchmodat, fchownat, utimensat } from './libc-metadata.ts';
import { modeFor, modeOfOwned } from './metadata.ts';
import { isAny, mayGive, me, noteLosses, noteRefusal, signed } from './ownership.ts';
import { pinnedPath } from './pinned.ts';
import { check, SystemError } from './system-error.ts';
import type { Owner } from './trees.ts';

const held = new FileStatus();

/** What the others lose while an entry is changed: as much as of one that is new. */
const closedMode = 0o600;
export const foreignNote = 'metadata not mended: it belongs to somebody else';

export type MendPlace = {
  readonly sourceDirectory: number;
  readonly destinationDirectory: number;
  readonly name: NativeName;
  readonly sourceName: NativeName;
  readonly keeper: Keeper;
  readonly compare: Comparison;
};

export type MendRequest = {
  readonly place: MendPlace;
  /** What the source is like. */
  readonly status: FileStatus;
  /** The source where it is open; left out: its extended attributes are those of its name. */
  readonly source?: number | undefined;
  /** What the destination has under the name: a file, symlink or special file with the source's content. */
  readonly existing: FileStatus;
};

/**
 * Gives what has the content of its source already the rest too, where that differs: owner, attributes, ACL, mode and
 * times. Nothing is opened. False when it must be copied instead, as a name of it elsewhere would change with it.
 * Throws a SystemError.
 */
export function mendEntry(request: MendRequest): boolean {
  const mending = findMending(request);
  if (mending === 'none' || mending === 'copy') return mending === 'none';
  try {
    mend(request, mending);
  } catch (error) {
    if (!(error instanceof SystemError) || error.cause !== 'EPERM') throw error;
    request.place.keeper.note(foreignNote);
  }
  return true;
}

/** Whether something differs, and whether it can be mended where it is: then the changes of attributes. Changes nothing itself. Throws a SystemError. */
export function findMending(request: MendRequest): AttributeChanges | 'none' | 'copy' {
  const { status, existing, place } = request;
  noteLosses(status, place.keeper);
  const hasSame = hasSameAccess(request) && hasSameTimes(request);
  if (hasSame && !hasAttributes(request)) return 'none';
  const changes = findChanges(request);
  if (hasSame && !hasChanges(changes) && changes.droppedAcl === undefined) return 'none';
  return existing.links > status.links ? 'copy' : changes;
}

export function hasSameTimes({ status, existing, place: { keeper, compare } }: MendRequest): boolean {
  return !keeper.times || existing.hasSameMtimeAs(status, compare.windowSeconds);
}

function hasSameAccess({ status, existing, place: { keeper } }: MendRequest): boolean {
  if (keeper.owner && isAny(ownerToGive(status, existing, keeper))) return false;
  if (status.type === 'symlink' || !keeper.mode) return true;
  const { mode } = existing;
  const isOwners = (mode & 0o6000) === 0 || (existing.uid === status.uid && existing.gid === status.gid);
  return isOwners && mode === modeFor(status, keeper, undefined);
}

/** -1 for what is right already, or cannot be given. */
export function ownerToGive(status: FileStatus, existing: FileStatus, keeper: Keeper): Owner {
  const uid = me.uid === 0 && existing.uid !== status.uid ? signed(status.uid) : -1;
  const gid = existing.gid !== status.gid && mayGive(status.gid) ? signed(status.gid) : -1;
  return keeper.owner ? { uid, gid } : { uid: -1, gid: -1 };
}

/** A symlink has attributes that only root may see. */
function mayHaveAttributes({ status }: MendRequest): boolean {
  return status.type !== 'symlink' || me.uid === 0;
}

function hasAttributes(request: MendRequest): boolean {
  const { status, existing, source } = request;
  const { sourceDirectory, sourceName, destinationDirectory, name, keeper } = request.place;
  if (!mayHaveAttributes(request)) return false;
  const names =
    source === undefined
      ? listAttributesIn(sourceDirectory, sourceName, status.deviceNumber)
      : listAttributes(source, status.deviceNumber);
  if (names.length > 0) return true;
  if (!keeper.xattr && !keeper.acl) return false;
  return listAttributesIn(destinationDirectory, name, existing.deviceNumber).length > 0;
}

const noChanges: AttributeChanges = {
  sets: [],
  removes: [],
  capability: undefined,
  droppedAcl: undefined,
};

function findChanges(request: MendRequest): AttributeChanges {
  const { status, existing, source } = request;
  const { sourceDirectory, sourceName, destinationDirectory, name, keeper } = request.place;
  if (!mayHaveAttributes(request)) return noChanges;
  const attributes: AttributesRequest = {
    source: source ?? placeOf(sourceDirectory, sourceName),
    sourceDevice: status.deviceNumber,
    destination: placeOf(destinationDirectory, name),
    destinationDevice: existing.deviceNumber,
    had: 'anything',
  };
  return findAttributeChanges(attributes, keeper);
}

function mend(request: MendRequest, found: AttributeChanges): void {
  const { status, existing, place } = request;
  const { keeper } = place;
  const fd = hold(request);
  try {
    const owner = ownerToGive(status, existing, keeper);
    const isGiven = isAny(owner);
    const closes = status.type !== 'symlink' && (isGiven || hasPossibleChanges(found, existing.deviceNumber));
    if (closes) check(fchmodat(AT_FDCWD, pinnedPath(fd), closedMode, 0), 'set mode');
    if (isGiven) noteRefusal(fchownat(fd, '', owner.uid, owner.gid, AT_EMPTY_PATH), keeper);
    // A capability goes with the owner
    const changes = isGiven ? findChanges(request) : found;
    mendAccess(fd, request, changes, closes);
    if (!hasSameTimes(request)) check(utimensat(AT_FDCWD, pinnedPath(fd), status.times, 0), 'set times');
    if (hasPossibleChanges(changes, existing.deviceNumber) || hasChanged(fd, existing))
      keeper.note(mendedNote);
  } finally {
    close(fd);
  }
}

function mendAccess(fd: number, request: MendRequest, changes: AttributeChanges, isClosed: boolean): void {
  const { status, existing } = request;
  const { keeper } = request.place;
  const [place, device] = [pinnedPath(fd), existing.deviceNumber];
  const lostAcl = changeAttributes(place, changes, device, keeper);
  if (status.type === 'symlink') return;
  const kept = isClosed ? existing.mode & ~0o6000 : existing.mode;
  const mode = keeper.mode ? modeOfOwned(fd, modeFor(status, keeper, lostAcl), status, keeper) : kept;
  if (isClosed || mode !== existing.mode) check(fchmodat(AT_FDCWD, place, mode, 0), 'set mode');
  setCapability(place, changes, device, keeper);
}

/** Some file systems take what they then do not keep. */
function hasChanged(fd: number, existing: FileStatus): boolean {
  const { uid, gid, mode } = held.readOpen(fd, 'look at destination');
  const isSame = uid === existing.uid && gid === existing.gid && mode === existing.mode;
  return !isSame || !held.hasSameMtimeAs(existing);
}

/** What was looked at, and no other thing that took its name since. */
function hold({ place: { destinationDirectory, name }, existing, status }: MendRequest): number {
  const flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  const fd = check(openat(destinationDirectory, name, flags, 0), 'look at destination');
  held.readOpen(fd, 'look at destination');
  if (held.isSameFileAs(existing) && held.links <= status.links) return fd;
  close(fd);
  throw new SystemError('CHANGED', 'look at destination');
}
