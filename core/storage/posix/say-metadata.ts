import { type AttributeChanges, hasChanges } from './attribute-changes.ts';
import { accessAcl, defaultAcl } from './extended-attributes.ts';
import type { FileStatus } from './file-status.ts';
import { isAny } from './ownership.ts';
import type { Owner } from './trees.ts';

/** An entry at both sides, and what has been found to be mended of it. */
export type MetadataToMend = {
  readonly source: FileStatus;
  readonly existing: FileStatus;
  /** -1 for what stays. */
  readonly owner: Owner;
  /** What the destination is to have; undefined where there is none, as of a symlink. */
  readonly mode: number | undefined;
  readonly hasSameTimes: boolean;
  readonly changes: AttributeChanges;
};

/** `mode 644 -> 600, mtime, xattr user.a`: what differs, in the order in which it is mended. */
export function sayMetadata(mending: MetadataToMend): string {
  const { source, existing, owner, mode, changes } = mending;
  const parts: string[] = [];
  if (isAny(owner)) {
    const group = owner.gid === -1 ? existing.gid : source.gid;
    const user = owner.uid === -1 ? existing.uid : source.uid;
    parts.push(`owner ${existing.uid}:${existing.gid} -> ${user}:${group}`);
  }
  if (hasChanges(changes)) parts.push(...sayAttributes(changes));
  if (mode !== undefined && mode !== existing.mode)
    parts.push(`mode ${existing.mode.toString(8)} -> ${mode.toString(8)}`);
  if (!mending.hasSameTimes) parts.push(`mtime ${sayChange(existing, source)}`);
  return parts.join(', ');
}

/** `2026-11-01T00:00:00.000000000Z -> ...` */
export function sayChange(from: FileStatus, to: FileStatus): string {
  return `${sayMtime(from)} -> ${sayMtime(to)}`;
}

function sayMtime({ mtime }: FileStatus): string {
  const [seconds = '', fraction = ''] = mtime.split('.');
  const date = new Date(Number(seconds) * 1000);
  const isDate = !Number.isNaN(date.getTime());
  return isDate ? `${date.toISOString().slice(0, -5)}.${fraction}Z` : mtime;
}

function sayAttributes({ sets, removes, capability }: AttributeChanges): string[] {
  const changed = [...sets, ...(capability === undefined ? [] : [capability])].map(({ name }) => name);
  const names = [...new Set([...changed, ...removes])];
  const isAcl = (name: string) => name === accessAcl || name === defaultAcl;
  const others = names.filter((name) => !isAcl(name));
  return [...(names.some(isAcl) ? ['acl'] : []), ...(others.length > 0 ? [`xattr ${others.join(' ')}`] : [])];
}
