import { closeSync, mkdirSync, openSync, renameSync, symlinkSync } from 'node:fs';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Unlinker, type UnlinkJob } from '../../../../core/storage/posix/unlinker.ts';
import { namesIn } from '../../../helpers/delete-fixture.ts';
import { makeTwoTrees, type TwoTrees } from '../../../helpers/storage-trees.ts';
import { makeTree } from '../../../helpers/tree.ts';

const isRoot = process.getuid?.() === 0;
let trees: TwoTrees;
let root: number;
beforeEach(() => {
  trees = makeTwoTrees();
  root = openSync(trees.destination, 'r');
});
afterEach(() => {
  closeSync(root);
  trees.remove();
});

const at = (path: string) => `${trees.destination}/${path}`;
const names = (directory: string, ...list: string[]): UnlinkJob => ({
  kind: 'names',
  directory,
  names: list,
});
const directories = (...paths: string[]): UnlinkJob => ({ kind: 'directories', paths });

function unlink(...jobs: UnlinkJob[]): number[][] {
  const unlinker = new Unlinker({ root });
  try {
    return jobs.map((job) => unlinker.unlink(job));
  } finally {
    unlinker.close();
  }
}

test('names go, and then directories that are empty, and what does not go is told', async () => {
  await makeTree(trees.destination, { a: 'a', d: { b: 'b', e: { c: 'c' } }, f: { new: 'n' } });
  expect(unlink(names('', 'a', 'gone'), names('d/e', 'c'), names('d', 'b', 'e'))).toEqual([[1], [], [1]]);
  expect(unlink(directories('f', 'd/e', 'd', 'nowhere/x'))).toEqual([[0, 3]]);
  expect(namesIn(trees.destination)).toEqual(['f']);
});

test('a symlink goes, and nothing behind one that has taken the place of a directory', async () => {
  await makeTree(`${trees.top}/outside`, { precious: 'p', sub: {} });
  mkdirSync(at('d'));
  symlinkSync('../../outside', at('d/link'));
  symlinkSync('../outside', at('place'));
  expect(unlink(names('d', 'link'), names('place', 'precious'), directories('place/sub', 'place'))).toEqual([
    [],
    [0],
    [0, 1],
  ]);
  expect(namesIn(`${trees.top}/outside`)).toEqual(['precious', 'sub']);
  expect(namesIn(at('d'))).toEqual([]);
});

test('a tree that was moved away goes where it is, and what is at its old path stays', async () => {
  await makeTree(trees.destination, { d: { a: 'a' } });
  renameSync(trees.destination, `${trees.top}/moved`);
  await makeTree(trees.destination, { d: { a: 'a' } });
  expect(unlink(names('d', 'a'))).toEqual([[]]);
  expect(namesIn(at('d'))).toEqual(['a']);
  expect(namesIn(`${trees.top}/moved/d`)).toEqual([]);
});

test.runIf(isRoot)('what is mounted below stays, of another file system or of the same', async () => {
  await makeTree(trees.destination, { other: {}, same: {} });
  await makeTree(`${trees.top}/outside`, { sub: { precious: 'p' } });
  await execa('mount', ['-t', 'tmpfs', 'tmpfs', at('other')]);
  await execa('mount', ['--bind', `${trees.top}/outside`, at('same')]);
  try {
    await makeTree(at('other'), { sub: { precious: 'p' } });
    for (const place of ['other', 'same']) {
      expect(unlink(names(`${place}/sub`, 'precious'), directories(`${place}/sub`))).toEqual([[0], [0]]);
      expect(namesIn(at(`${place}/sub`))).toEqual(['precious']);
    }
  } finally {
    for (const place of ['other', 'same']) await execa('umount', [at(place)]);
  }
});
