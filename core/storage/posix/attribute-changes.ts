import {
  type Attribute,
  type AttributePlace,
  accessAcl,
  capability,
  defaultAcl,
  isRefused,
  listAttributes,
  readAttribute,
  removeAttribute,
  setAttribute,
} from './extended-attributes.ts';
import type { Keeper } from './keeper.ts';

export type AttributesRequest = {
  readonly source: AttributePlace;
  readonly sourceDevice: number;
  readonly destination: AttributePlace;
  readonly destinationDevice: number;
  /** What the destination may have already: nothing, the ACL that its directory gave it, or anything. */
  readonly had: 'nothing' | 'inherited ACL' | 'anything';
};

/** What has to be done so that the destination has the extended attributes and ACLs of the source. */
export type AttributeChanges = {
  readonly sets: readonly Attribute[];
  readonly removes: readonly string[];
  /** Set last, since owner and mode may clear it. */
  readonly capability: Attribute | undefined;
  /** The access ACL of the source, where it has one that is not to be kept. */
  readonly droppedAcl: Uint8Array | undefined;
};

/** What is found where the source has nothing, and only there, of a copy that was just made. */
const none: AttributeChanges = { sets: [], removes: [], capability: undefined, droppedAcl: undefined };
const onlyInherited: AttributeChanges = { ...none, removes: [accessAcl] };

/** Looks at both sides and changes nothing. Most files have no attributes: then one call has told so. Throws a SystemError. */
export function findAttributeChanges(request: AttributesRequest, keeper: Keeper): AttributeChanges {
  const names = listAttributes(request.source, request.sourceDevice);
  const had =
    request.had === 'anything' ? listAttributes(request.destination, request.destinationDevice) : [];
  if (names.length === 0 && had.length === 0) return request.had === 'inherited ACL' ? onlyInherited : none;
  const wanted = readAll(request.source, names, keeper);
  const acl = wanted.find(({ name }) => name === accessAcl);
  const kept = wanted.filter(({ name }) => (isAcl(name) ? keeper.acl : keeper.xattr));
  const changed = kept.filter(({ name, value }) => !had.includes(name) || !isThere(request, name, value));
  const isSet = (name: string) => kept.some((attribute) => attribute.name === name);
  const extra = had.filter((name) => mayRemove(name, keeper) && !isSet(name));
  return {
    sets: changed.filter(({ name }) => name !== capability),
    removes: request.had === 'inherited ACL' && !isSet(accessAcl) ? [accessAcl] : extra,
    capability: changed.find(({ name }) => name === capability),
    droppedAcl: keeper.acl ? undefined : acl?.value,
  };
}

/** True when the source of a copy that was just made has no attribute that a copy keeps. */
export function areOfPlain(changes: AttributeChanges): boolean {
  return changes === none || changes === onlyInherited;
}

export function hasChanges({ sets, removes, capability: last }: AttributeChanges): boolean {
  return sets.length > 0 || removes.length > 0 || last !== undefined;
}

/** The same without what the file system is known not to take. */
export function hasPossibleChanges(
  { sets, removes, capability: last }: AttributeChanges,
  device: number,
): boolean {
  const wanted = last === undefined ? sets : [...sets, last];
  return removes.length > 0 || wanted.some(({ name }) => !isRefused(name, device));
}

/** What belongs to root may be what a file system below needs to know a directory by. */
function mayRemove(name: string, keeper: Keeper): boolean {
  return isAcl(name) ? keeper.acl : keeper.xattr && name.startsWith('user.');
}

function isAcl(name: string): boolean {
  return name === accessAcl || name === defaultAcl;
}

function readAll(source: AttributePlace, names: readonly string[], keeper: Keeper): Attribute[] {
  const attributes: Attribute[] = [];
  let isClosed = false;
  for (const name of names) {
    const value = readAttribute(source, name);
    if (value === 'closed') isClosed = true;
    else if (value !== 'missing') attributes.push({ name, value });
  }
  if (isClosed && keeper.xattr) keeper.lose('xattr', xattrNote);
  return attributes;
}

function isThere({ destination }: AttributesRequest, name: string, value: Uint8Array): boolean {
  const theirs = readAttribute(destination, name);
  return typeof theirs !== 'string' && Buffer.compare(theirs, value) === 0;
}

const xattrNote = 'xattr not kept';
const aclNote = 'acl not kept';

/**
 * Makes the changes but for the capability. What the destination cannot hold is lost, with one note for each kind.
 * Returns the access ACL that the destination does not have, so that the mode can do without it.
 */
export function changeAttributes(
  place: AttributePlace,
  { sets, removes, droppedAcl }: AttributeChanges,
  device: number,
  keeper: Keeper,
): Uint8Array | undefined {
  let lostAcl = droppedAcl;
  for (const name of removes) removeAttribute(place, name);
  for (const attribute of sets) {
    if (setAttribute(place, attribute, device)) continue;
    if (!isAcl(attribute.name)) keeper.lose('xattr', xattrNote);
    else keeper.lose('acl', aclNote);
    if (attribute.name !== accessAcl) continue;
    lostAcl = attribute.value;
    // One that it inherited would be as wide as the mode that comes next
    removeAttribute(place, accessAcl);
  }
  return lostAcl;
}

/** Sets the capability, after owner and mode. */
export function setCapability(
  place: AttributePlace,
  { capability: last }: AttributeChanges,
  device: number,
  keeper: Keeper,
): void {
  if (last !== undefined && !setAttribute(place, last, device)) keeper.lose('xattr', xattrNote);
}
