import { statfsSync } from 'node:fs';
import { fromBytes } from '../../model/names.ts';
import {
  EACCES,
  ENODATA,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
  errnoName,
  type NativeName,
  nativeName,
} from './libc.ts';
import {
  fgetxattr,
  flistxattr,
  fremovexattr,
  fsetxattr,
  lgetxattr,
  llistxattr,
  removexattr,
  setxattr,
} from './libc-attributes.ts';
import { goTo } from './own-directory.ts';
import { check, SystemError } from './system-error.ts';

/**
 * What has attributes: an open file, or the path of what cannot be opened. A symlink is not followed where they are
 * read; they are only written where the path is that of something pinned, since a name may come to mean another thing.
 */
export type AttributePlace = number | NativeName;

export type Attribute = { readonly name: string; readonly value: Uint8Array };

export const accessAcl = 'system.posix_acl_access';
export const defaultAcl = 'system.posix_acl_default';
export const capability = 'security.capability';

const isRoot = process.geteuid?.() === 0;
/** What file systems keep for themselves: it describes the place of a file, not the file. */
const internal =
  /^trusted\.(lov|lma|lmv|link|fid|som|hsm|dmv|dmu|version|lfsck_\w+|SGI_ACL_FILE|SGI_ACL_DEFAULT)$/;
/** Most lists are empty or short, and the kernel takes as much memory as it is offered. */
const shortList = Buffer.allocUnsafeSlow(512);
const attributeAtMost = 65_536;
let longList: Buffer | undefined;
let value: Buffer | undefined;
const nothing = new Uint8Array(0);

/** Whether a file system knows any attributes, by device: one that knows none is not asked again. */
const knowing = new Map<number, boolean>();
/** Kinds of attributes that a file system cannot hold, by device. */
const refused = new Map<number, Set<string>>();

/** The path of a name in an open directory, for calls that take no directory. */
export function placeOf(directory: number, name: NativeName): NativeName {
  const start = `/proc/self/fd/${directory}/`;
  if (typeof name === 'string') return start + name;
  return Buffer.concat([Buffer.from(start), name]);
}

/** False when the file system of an open file knows no attributes: then nothing on it need be asked. */
export function knowsAttributes(fd: number, device: number): boolean {
  return knowing.get(device) ?? knowsAny(fd, device);
}

/** The same of a directory that may be open only to be passed through. */
export function knowsAttributesAt(directory: number, device: number): boolean {
  return knowing.get(device) ?? knowsAny(placeOf(directory, '.'), device);
}

/** The names of the attributes that a copy may keep; the file system is that of `device`. Throws a SystemError. */
export function listAttributes(place: AttributePlace, device: number): readonly string[] {
  if (!(knowing.get(device) ?? knowsAny(place, device))) return [];
  let names: Buffer = shortList;
  let bytes = list(place, names);
  if (bytes === 0) return [];
  if (bytes === ERANGE) {
    longList ??= Buffer.allocUnsafeSlow(attributeAtMost);
    names = longList;
    bytes = list(place, names);
  }
  if (bytes === EOPNOTSUPP) {
    knowing.set(device, false);
    return [];
  }
  return split(names.subarray(0, check(bytes, 'list extended attributes'))).filter(isKept);
}

/** The same of a name in an open directory. */
export function listAttributesIn(directory: number, name: NativeName, device: number): readonly string[] {
  if (knowing.get(device) === false) return [];
  return listAttributes(goTo(directory) ? name : placeOf(directory, name), device);
}

/** True when the file system is known to know no attributes. */
export function knowsNone(device: number): boolean {
  return knowing.get(device) === false;
}

/** A call that lists attributes has said so. */
export function noteNone(device: number): void {
  knowing.set(device, false);
}

/** A file system may answer with an empty list and yet know no attributes: asked for one, it says so. */
function knowsAny(place: AttributePlace, device: number): boolean {
  const names = ['user.bcopy', accessAcl, ...(isRoot ? ['trusted.bcopy', capability] : [])];
  const ask = (name: string) =>
    typeof place === 'number' ? fgetxattr(place, name, nothing, 0) : lgetxattr(place, name, nothing, 0);
  const knows = names.some((name) => ask(name) !== EOPNOTSUPP);
  knowing.set(device, knows);
  return knows;
}

function list(place: AttributePlace, names: Buffer): number {
  return typeof place === 'number'
    ? flistxattr(place, names, names.length)
    : llistxattr(place, names, names.length);
}

/** The names in a list that the kernel gives. */
export function split(names: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < names.length; ) {
    const end = names.indexOf(0, at);
    if (end < 0) break;
    found.push(fromBytes(names.subarray(at, end)));
    at = end + 1;
  }
  return found;
}

/** True of an attribute that a copy may keep. */
export function isKept(name: string): boolean {
  if (name.startsWith('user.') || name === accessAcl || name === defaultAcl) return true;
  return isRoot && (name === capability || (name.startsWith('trusted.') && !internal.test(name)));
}

/** The value of an attribute; `missing` when it is gone, `closed` when this user may not read it. Throws a SystemError. */
export function readAttribute(place: AttributePlace, name: string): Uint8Array | 'missing' | 'closed' {
  value ??= Buffer.allocUnsafeSlow(attributeAtMost);
  const key = nativeName(name);
  const bytes =
    typeof place === 'number'
      ? fgetxattr(place, key, value, value.length)
      : lgetxattr(place, key, value, value.length);
  if (bytes === ENODATA || bytes === EOPNOTSUPP) return 'missing';
  if (bytes === EACCES || bytes === EPERM) return 'closed';
  return Uint8Array.from(value.subarray(0, check(bytes, 'read extended attribute')));
}

/** What a file system answers that cannot take an attribute: of this kind, so long, or so many (ENOSPC, unless it is full). */
const refusals = new Set(['EOPNOTSUPP', 'EPERM', 'E2BIG', 'ERANGE', 'ENOSPC', 'EINVAL']);

/**
 * True when the attribute was set; false when the file system of `device` cannot hold it, which is remembered where it
 * is true of all such attributes. Throws a SystemError.
 */
export function setAttribute(place: AttributePlace, { name, value }: Attribute, device: number): boolean {
  if (isRefused(name, device)) return false;
  const key = nativeName(name);
  const result =
    typeof place === 'number'
      ? fsetxattr(place, key, value, value.length, 0)
      : setxattr(place, key, value, value.length, 0);
  if (result >= 0) return true;
  if (result === EOPNOTSUPP) remember(device, kindOf(name));
  const cause = errnoName(result);
  if (result === EOPNOTSUPP || (refusals.has(cause) && !(cause === 'ENOSPC' && isFull(place)))) return false;
  throw new SystemError(cause, 'set extended attribute');
}

/** True when a file system has said that it takes no attributes of this kind. */
export function isRefused(name: string, device: number): boolean {
  return refused.get(device)?.has(kindOf(name)) === true;
}

/** Some file systems say ENOSPC also of an attribute that is too long for them: then there is room left. */
function isFull(place: AttributePlace): boolean {
  const path = typeof place === 'number' ? `/proc/self/fd/${place}` : Buffer.from(place).toString('latin1');
  const directory = /^\/proc\/self\/fd\/\d+/.exec(path);
  return directory === null || statfsSync(directory[0]).bavail === 0;
}

/** `user`, `trusted`, `security`, `system`. */
function kindOf(name: string): string {
  return name.slice(0, name.indexOf('.'));
}

function remember(device: number, kind: string): void {
  refused.set(device, (refused.get(device) ?? new Set<string>()).add(kind));
}

/** Removes an attribute, if it is there. Throws a SystemError. */
export function removeAttribute(place: AttributePlace, name: string): void {
  const key = nativeName(name);
  const result = typeof place === 'number' ? fremovexattr(place, key) : removexattr(place, key);
  if (result !== ENODATA && result !== EOPNOTSUPP) check(result, 'remove extended attribute');
}

/** True when what is made in an open directory inherits an ACL from it. */
export function hasDefaultAcl(directory: number, device: number): boolean {
  if (!knowsAcls(device)) return false;
  const bytes = fgetxattr(directory, defaultAcl, nothing, 0);
  if (bytes === EOPNOTSUPP) remember(device, 'system');
  return bytes > 0;
}

/** False when a file system has said that it has no ACLs. */
export function knowsAcls(device: number): boolean {
  return refused.get(device)?.has('system') !== true;
}
