import { readFileSync } from 'node:fs';
import { modeWithoutAcl } from './acl.ts';
import {
  type AttributeChanges,
  type AttributesRequest,
  areOfPlain,
  changeAttributes,
  findAttributeChanges,
  setCapability,
} from './attribute-changes.ts';
import type { AttributePlace } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import { AT_EMPTY_PATH, AT_FDCWD } from './libc.ts';
import { fchmod, fchmodat, fchown, fchownat, futimens, utimensat } from './libc-metadata.ts';
import {
  allowedOwner,
  isAny,
  isSameOwner,
  losesGroup,
  me,
  noteLosses,
  noteRefusal,
  ownerOfNew,
} from './ownership.ts';
import { pinnedPath } from './pinned.ts';
import { check } from './system-error.ts';
import type { DirectoryFacts, Owner } from './trees.ts';

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
 * order that never widens access: owner first (it clears setuid), capability after the mode, times last. True when the source has
 * no extended attribute that a copy keeps.
 */
export function applyMetadata(fd: number, request: MetadataRequest, had?: AttributesRequest['had']): boolean {
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
  return areOfPlain(changes);
}

/** All but the owner, of an open file or directory: what its extended attributes need is known. */
export function applyOpenAccess(
  fd: number,
  { status, directory, keeper, changes }: MetadataRequest & { readonly changes: AttributeChanges },
): void {
  const lostAcl = changeAttributes(fd, changes, directory.device, keeper);
  const mode = modeFor(status, keeper, lostAcl);
  check(fchmod(fd, modeOfOwned(fd, mode, status, keeper)), 'set mode');
  setCapability(fd, changes, directory.device, keeper);
  if (keeper.times) check(futimens(fd, status.times), 'set times');
}

/** The same for a symlink or a special file, just made and held by `pin`: it cannot be opened otherwise. */
export function applyPinnedMetadata(pinned: number, request: MetadataRequest): void {
  const { status, keeper } = request;
  const { uid, gid } = allowedOwner(request);
  if (uid !== -1 || gid !== -1) noteRefusal(fchownat(pinned, '', uid, gid, AT_EMPTY_PATH), keeper);
  noteLosses(status, keeper);
  // A symlink has no ACL, and attributes that only root may see
  if (status.type !== 'symlink' || me.uid === 0) applyPinnedAttributes(pinned, request);
  if (keeper.times) check(utimensat(AT_FDCWD, pinnedPath(pinned), status.times, 0), 'set times');
}

function applyPinnedAttributes(pinned: number, request: MetadataRequest): void {
  const { status, source, keeper, directory: facts } = request;
  const isSymlink = status.type === 'symlink';
  const destination = pinnedPath(pinned);
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
  if (isSymlink) return;
  const mode = modeOfOwned(pinned, modeFor(status, keeper, lostAcl), status, keeper);
  check(fchmodat(AT_FDCWD, destination, mode, 0), 'set mode');
}

/** The permissions of the copy: never more than the source gave, whatever is lost. */
export function modeFor(status: FileStatus, keeper: Keeper, lostAcl: Uint8Array | undefined): number {
  let { mode } = status;
  if (lostAcl !== undefined) mode = modeWithoutAcl(mode, lostAcl);
  // Whoever is in the other group was one of the others
  if (losesGroup(status, keeper)) mode &= ~((~mode & 0o7) << 3);
  if (!keeper.mode) return mode & 0o777 & ~umask;
  if (keeper.owner || (status.uid === me.uid && status.gid === me.gid)) return mode;
  // A program that runs as its owner must not run as whoever copied it, when its owner is not even tried to be kept
  return mode & ~0o6000;
}

/**
 * The mode that a file may have: a program that runs as its owner or its group must not run as one that it never
 * belonged to. What became of both is looked at, since a server may have decided otherwise than it was asked to.
 */
export function modeOfOwned(fd: number, mode: number, status: FileStatus, keeper: Keeper): number {
  if ((mode & 0o6000) === 0 || status.type === 'directory') return mode;
  const owned = modeUnder(made.readOpen(fd, 'look at the new file'), mode, status);
  if (owned !== mode) keeper.lose('owner', 'setuid or setgid not kept');
  return owned;
}

/** The mode of a file that belongs to this owner and group, whatever its source's are. */
export function modeUnder({ uid, gid }: Owner, mode: number, status: FileStatus): number {
  const setuid = uid === status.uid ? 0 : 0o4000;
  const setgid = gid === status.gid ? 0 : 0o2000;
  return mode & ~(setuid | setgid);
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
