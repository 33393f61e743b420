import { closeSync, mkdirSync, openSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import { scanTree } from '../../../../core/storage/posix/scan.ts';
import { groupsOf } from '../../../../workers/groups.ts';
import { type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import { makeTwoTrees, placed, requestFor, type TwoTrees } from '../../../helpers/storage-trees.ts';

const MiB = 2 ** 20;
let mounted: Mounted | string;
let trees: TwoTrees;
beforeEach(async () => {
  mounted = await mountNew('tmpfs');
  trees = makeTwoTrees(typeof mounted === 'string' ? undefined : mounted.path);
});
afterEach(async () => {
  if (typeof mounted === 'string') trees.remove();
  else await mounted.unmount();
});

function scan() {
  const request = { path: trees.source, spillFile: `${trees.top}/spill`, probe: false };
  return scanTree({ ...request, passOver: undefined, forbidden: undefined });
}

function fill(names: number): void {
  mkdirSync(`${trees.source}/d`);
  for (let i = 0; i < names; i++) closeSync(openSync(`${trees.source}/d/name ${i}`, 'wx'));
}

test('a directory with a million names is scanned with the memory of a small one', ({ skip }) => {
  if (typeof mounted === 'string') skip(mounted);
  fill(1_000_000);
  const before = process.memoryUsage();
  let [entries, most] = [0, 0];
  for (const { kind } of scan()) {
    if (kind === 'file') entries++;
    if (entries % 50_000 === 0) most = Math.max(most, process.memoryUsage().rss);
  }
  expect(entries).toBe(1_000_000);
  expect((most - before.rss) / MiB).toBeLessThan(100);
});

test('a directory with very many names is copied', () => {
  const names = 20_000;
  fill(names);
  const entries = placed([...scan()]);
  const storage = new PosixStorage(requestFor(trees));
  let copied = 0;
  for (const group of groupsOf(
    entries,
    () => false,
    () => 256,
  )) {
    const { outcomes, ranges } = storage.copyGroup(group);
    expect(outcomes).toEqual([]);
    for (const range of ranges) copied += range.copied.entries;
  }
  expect(storage.completeDirectory(1, 'd')).toEqual({ kind: 'copied' });
  expect(storage.completeDirectory(1, 'd')).toEqual({ kind: 'skipped' });
  storage.close();
  expect(copied).toBe(names);
});
