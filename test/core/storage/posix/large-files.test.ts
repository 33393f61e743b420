import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { PosixStorage, type PosixStorageRequest } from '../../../../core/storage/posix/posix-storage.ts';
import { fileSystems, mountNew } from '../../../helpers/file-systems.ts';
import { filesGroup, makeTwoTrees, requestFor, type TwoTrees } from '../../../helpers/storage-trees.ts';

const MiB = 2 ** 20;
const largeFrom = 2 * MiB;
let trees: TwoTrees | undefined;
afterEach(() => trees?.remove());

function copyAll(names: readonly string[], more: Partial<PosixStorageRequest> = {}) {
  const storage = new PosixStorage(requestFor(trees!, { largeFrom, ...more }));
  try {
    return storage.copyGroup(filesGroup(names));
  } finally {
    storage.close();
  }
}

test('large files are named, and the others of their group copied', () => {
  trees = makeTwoTrees();
  for (const [name, bytes] of Object.entries({ a: 1, b: largeFrom, c: largeFrom - 1, d: 3 * MiB, e: 1 }))
    writeFileSync(`${trees.source}/${name}`, Buffer.alloc(bytes, name));
  const outcome = copyAll(['a', 'b', 'c', 'd', 'e']);
  expect(outcome.large).toEqual([1, 3]);
  expect(outcome.ranges.map(({ from, to }) => [from, to])).toEqual([
    [0, 1],
    [2, 3],
    [4, 5],
  ]);
  expect(outcome.outcomes).toEqual([]);
});

test('a file that is large only by its holes is copied at once', () => {
  trees = makeTwoTrees();
  writeFileSync(`${trees.source}/a`, 'begin');
  truncateSync(`${trees.source}/a`, 100 * 1024 ** 3);
  const outcome = copyAll(['a']);
  expect(outcome.large).toBeUndefined();
  expect(outcome.ranges).toMatchObject([{ from: 0, to: 1, copied: { entries: 1 } }]);
  expect(statSync(`${trees.destination}/a`)).toMatchObject({ size: 100 * 1024 ** 3 });
  expect(statSync(`${trees.destination}/a`).blocks).toBeLessThan(100);
});

test.each(fileSystems)('on %s a large file is shared as a whole, or left to be copied', async (kind) => {
  const mounted = await mountNew(kind);
  if (typeof mounted === 'string') return console.log(`skipped: ${mounted}`);
  try {
    trees = makeTwoTrees(mounted.path);
    for (const name of ['a', 'b']) writeFileSync(`${trees.source}/${name}`, Buffer.alloc(3 * MiB, name));
    const outcome = copyAll(['a', 'b']);
    if (kind === 'xfs' || kind === 'btrfs') {
      expect(outcome.ways).toEqual(new Map([['reflink', 2]]));
      expect(outcome.large).toBeUndefined();
    } else expect(outcome).toMatchObject({ large: [0, 1], ranges: [] });
  } finally {
    await mounted.unmount();
    trees = undefined;
  }
});
