import { closeSync, existsSync, mkdirSync, openSync, symlinkSync } from 'node:fs';
import { execa, execaSync } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ParallelRemoval } from '../../../../core/storage/posix/parallel-removal.ts';
import { namesIn } from '../../../helpers/delete-fixture.ts';
import { makeTwoTrees, type TwoTrees } from '../../../helpers/storage-trees.ts';
import { makeManyFiles, makeTree } from '../../../helpers/tree.ts';

const isRoot = process.getuid?.() === 0;
let trees: TwoTrees;
beforeEach(() => {
  trees = makeTwoTrees();
});
afterEach(() => trees.remove());

async function remove(name: string, signal = new AbortController().signal) {
  const parent = openSync(trees.destination, 'r');
  try {
    const removal = new ParallelRemoval(parent, signal);
    await removal.remove(name);
    return removal;
  } finally {
    closeSync(parent);
  }
}

test('a tree goes whole, wide or deep, and nothing beside it', async () => {
  makeManyFiles(`${trees.destination}/old`, { files: 5000, directories: 100, bytes: 1 });
  execaSync('mkdir', ['-p', Array.from({ length: 300 }, () => 'deeper').join('/')], {
    cwd: `${trees.destination}/old`,
  });
  await makeTree(`${trees.destination}/old-too`, { a: 'a' });
  const count = Number(execaSync('sh', ['-c', 'find old | wc -l'], { cwd: trees.destination }).stdout.trim());
  expect(await remove('old')).toMatchObject({ entries: count, kept: [] });
  expect(namesIn(trees.destination)).toEqual(['old-too']);
});

test('a symlink goes, and not what it leads to', async () => {
  await makeTree(`${trees.top}/outside`, { precious: 'p' });
  mkdirSync(`${trees.destination}/old`);
  for (const place of ['old/link', 'link']) symlinkSync('../../outside', `${trees.destination}/${place}`);
  await remove('old');
  await remove('link');
  expect(namesIn(trees.destination)).toEqual([]);
  expect(namesIn(`${trees.top}/outside`)).toEqual(['precious']);
});

test.runIf(isRoot)('what is mounted stays with the directories above it, and all else goes', async () => {
  await makeTree(trees.destination, { old: { a: 'a', sub: { mount: {}, b: 'b' } } });
  await makeTree(`${trees.top}/outside`, { precious: 'p' });
  const place = `${trees.destination}/old/sub/mount`;
  await execa('mount', ['--bind', `${trees.top}/outside`, place]);
  try {
    const { kept } = await remove('old');
    expect(kept).toEqual([{ path: 'old/sub/mount', cause: 'EXDEV', action: 'remove' }]);
    expect(namesIn(`${trees.destination}/old/sub`)).toEqual(['mount']);
    expect(namesIn(place)).toEqual(['precious']);
  } finally {
    await execa('umount', [place]);
  }
});

test('an interruption ends it', async () => {
  makeManyFiles(`${trees.destination}/old`, { files: 100, directories: 2, bytes: 1 });
  await expect(remove('old', AbortSignal.abort(new Error('interrupted')))).rejects.toThrow('interrupted');
  expect(existsSync(`${trees.destination}/old`)).toBe(true);
});
