import { readFileSync, readlinkSync } from 'node:fs';
import { FileStatus } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import { EPERM } from './libc.ts';
import type { MetadataRequest } from './metadata.ts';
import { check } from './system-error.ts';
import type { DirectoryFacts, Owner } from './trees.ts';

const CAP_SYS_ADMIN = 1n << 21n;

/** Who copies. */
export const me = {
  uid: process.geteuid?.() ?? -1,
  gid: process.getegid?.() ?? -1,
  groups: new Set(process.getgroups?.() ?? []),
  seesTrusted: seesTrusted(),
};

const made = new FileStatus();

/** Attributes in `trusted` are hidden also from root where he may not administer the machine, as in a container. */
function seesTrusted(): boolean {
  try {
    // The namespace of the machine has the same number on every one (PROC_USER_INIT_INO, linux/proc_ns.h)
    if (readlinkSync('/proc/self/ns/user') !== 'user:[4026531837]') return false;
    const [, held = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
    return (BigInt(`0x${held}`) & CAP_SYS_ADMIN) !== 0n;
  } catch {
    return false;
  }
}

/** What a new file belongs to depends on the directory, the mount and the server; the first file of a directory tells. */
export function ownerOfNew(fd: number, directory: DirectoryFacts): Owner {
  if (directory.ownerOfNew === undefined) {
    const { uid, gid } = made.readOpen(fd, 'look at the new file');
    directory.ownerOfNew = { uid: signed(uid), gid: signed(gid) };
  }
  return directory.ownerOfNew;
}

export function isAny({ uid, gid }: Owner): boolean {
  return uid !== -1 || gid !== -1;
}

export function isSameOwner(wanted: Owner, has: Owner | undefined): boolean {
  return has !== undefined && (wanted.uid === -1 || wanted.uid === has.uid) && wanted.gid === has.gid;
}

/** Root sets both; anybody else may only give a file to a group that is his. -1 leaves an id as it is. */
export function allowedOwner({ status, directory, keeper }: Omit<MetadataRequest, 'source'>): Owner {
  if (!keeper.owner) return { uid: -1, gid: -1 };
  if (me.uid === 0) return { uid: signed(status.uid), gid: signed(status.gid) };
  const isGiven = status.gid === me.gid && !directory.givesGroup;
  return { uid: -1, gid: !isGiven && mayGive(status.gid) ? signed(status.gid) : -1 };
}

/** True when the group was to be kept, and this user cannot give a file to it. */
export function losesGroup({ gid }: FileStatus, keeper: Keeper): boolean {
  return keeper.owner && !mayGive(gid);
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
  if (status.uid !== me.uid) keeper.lose('owner', 'owner not kept');
  else if (!mayGive(status.gid)) keeper.lose('owner', 'group not kept');
}
