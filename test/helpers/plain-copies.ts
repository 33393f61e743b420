import { closeSync, openSync } from 'node:fs';
import { release } from 'node:os';
import { execaSync } from 'execa';
import { expect } from 'vitest';
import { runMark, wordsPerHeader } from '../../core/model/plain-runs.ts';
import { accessAcl, setAttribute } from '../../core/storage/posix/extended-attributes.ts';
import { PosixStorage, type PosixStorageRequest } from '../../core/storage/posix/posix-storage.ts';
import { isAtLeast } from '../../core/storage/posix/told-changes.ts';
import type { GroupOutcome } from '../../core/storage/storage.ts';
import { groupFor, requestFor, scanned, type TwoTrees } from './storage-trees.ts';

/** Before, nothing is remembered of what was copied. */
export const remembersCopies = isAtLeast(release(), 6, 13);

/** A literal for makeTree. */
export const filesIn = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`, 'x']));

/** For a look at once after the copy: nothing is old enough to be remembered but what was known. */
export const justNow = () => ({ settledBefore: Math.floor(Date.now() / 1000) - 2 });

export function withStorage<T>(
  trees: TwoTrees,
  work: (storage: PosixStorage) => T,
  more: Partial<PosixStorageRequest> = {},
): T {
  const storage = new PosixStorage(requestFor(trees, more));
  try {
    return work(storage);
  } finally {
    storage.close();
  }
}

/** Copies all files; returns what is remembered of them. */
export function copyFiles(trees: TwoTrees, more: Partial<PosixStorageRequest> = {}): Uint8Array {
  return withStorage(trees, (storage) => plainOf(storage.copyGroup(groupFor(scanned(trees.source)))), more);
}

/** What is remembered of a group that was copied whole. */
export function plainOf({ plain, outcomes }: GroupOutcome): Uint8Array {
  expect(outcomes).toEqual([]);
  return plain ?? new Uint8Array();
}

/** How many files are remembered in each run. */
export function runsIn(plain: Uint8Array): number[] {
  const words = new Uint32Array(plain.slice().buffer);
  const counts: number[] = [];
  for (let at = 0; at < words.length; at += wordsPerHeader + counts.at(-1)! * 2) {
    expect(words[at]).toBe(runMark);
    counts.push(words[at + 3]!);
  }
  return counts;
}

/** Sets an attribute, or an ACL, with no more than a few system calls. */
export function change(path: string, kind: 'attribute' | 'ACL'): void {
  const fd = openSync(path, 'r');
  const [user, group, mask, other] = [0x02, 0x04, 0x10, 0x20];
  const acl = Buffer.alloc(4 + 5 * 8);
  acl.writeUInt32LE(2);
  for (const [i, [tag, rights, id]] of [
    [1, 6, -1],
    [user, 4, 1234],
    [group, 4, -1],
    [mask, 4, -1],
    [other, 4, -1],
  ].entries()) {
    acl.writeUInt16LE(tag!, 4 + i * 8);
    acl.writeUInt16LE(rights!, 6 + i * 8);
    acl.writeInt32LE(id!, 8 + i * 8);
  }
  const attribute =
    kind === 'ACL' ? { name: accessAcl, value: acl } : { name: 'user.a', value: Buffer.from('1') };
  try {
    expect(setAttribute(fd, attribute, 0)).toBe(true);
  } finally {
    closeSync(fd);
  }
}

export const hasAcl = (path: string) => execaSync('getfacl', ['-c', path]).stdout.includes('user:1234:');
