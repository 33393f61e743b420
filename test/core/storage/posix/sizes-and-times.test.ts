import { lstatSync, mkdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { execaSync } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import {
  copyTree,
  makeTwoTrees,
  requestFor,
  scanned,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';

let trees: TwoTrees;
beforeEach(() => {
  trees = makeTwoTrees();
});
afterEach(() => trees.remove());

const source = (name: string) => `${trees.source}/${name}`;
const destination = (name: string) => `${trees.destination}/${name}`;

function copyAll(): void {
  const storage = new PosixStorage(requestFor(trees));
  const { outcomes } = copyTree(storage, scanned(trees.source));
  storage.close();
  expect(outcomes).toEqual([]);
}

test('atimes arrive in nanoseconds, and the source keeps its own', () => {
  writeFileSync(source('a'), 'x');
  symlinkSync('a', source('s'));
  mkdirSync(source('d'));
  // Later than any mtime, so that reading does not change that of the directory
  const given = { a: '@-5.000000001', s: '@4500000000.123456789', d: '@4500000000.987654321' };
  for (const [name, time] of Object.entries(given))
    execaSync('touch', ['-h', '-a', '-d', time, source(name)]);
  copyAll();
  const atimeOf = (path: string) => lstatSync(path, { bigint: true }).atimeNs;
  const arrived = Object.keys(given).map((name) => atimeOf(destination(name)));
  expect(arrived).toEqual([-5_000_000_001n, 4_500_000_000_123_456_789n, 4_500_000_000_987_654_321n]);
  expect(atimeOf(source('a'))).toBe(-5_000_000_001n);
});

test('a file of 1 TiB that is a hole takes no room and no time', () => {
  writeFileSync(source('huge'), 'x');
  truncateSync(source('huge'), 2 ** 40);
  copyAll();
  const [made, original] = [statSync(destination('huge')), statSync(source('huge'))];
  expect(made.size).toBe(2 ** 40);
  expect(made.blocks).toBeLessThanOrEqual(original.blocks);
});
