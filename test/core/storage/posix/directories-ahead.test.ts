import {
  closeSync,
  fstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DirectoriesAhead } from '../../../../core/storage/posix/directories-ahead.ts';
import { openExistingDirectory } from '../../../../core/storage/posix/open-directory.ts';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import { makeTwoTrees, requestFor, type TwoTrees } from '../../../helpers/storage-trees.ts';

let trees: TwoTrees;

beforeEach(() => {
  trees = makeTwoTrees();
  for (const tree of [trees.source, trees.destination]) mkdirSync(`${tree}/a/b\u00e4`, { recursive: true });
});
afterEach(() => trees.remove());

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

it('has directories of the destination open that were asked for, and nothing that is none', async () => {
  mkdirSync(`${trees.source}/new`);
  mkdirSync(`${trees.source}/link`);
  symlinkSync('a', `${trees.destination}/link`);
  const before = openFiles();
  const [source, destination] = [trees.source, trees.destination].map((path) =>
    openExistingDirectory(-100, path),
  );
  const ahead = new DirectoriesAhead(source!, destination!, false);
  await ahead.look(['a/b\u00e4', 'new', 'link', 'missing/too']);
  const fd = ahead.take('destination', 'a/b\u00e4')!;
  expect(fstatSync(fd).ino).toBe(statSync(`${trees.destination}/a/b\u00e4`).ino);
  for (const path of ['new', 'link', 'missing', 'missing/too'])
    expect(ahead.take('destination', path)).toBeUndefined();
  await ahead.close();
  for (const open of [fd, source!, destination!]) closeSync(open);
  expect(openFiles()).toBe(before);
});

it('completes directories that were looked at as it completes others', async () => {
  mkdirSync(`${trees.source}/new`);
  utimesSync(`${trees.source}/a`, 1, 1);
  utimesSync(`${trees.source}/a/b\u00e4`, 2, 2);
  const storage = new PosixStorage(requestFor(trees));
  const paths = ['a/b\u00e4', 'a', 'new', 'gone'];
  await storage.lookAhead(paths);
  const kinds = paths.map((path, ordinal) => storage.completeDirectory(ordinal, path).kind);
  storage.close();
  expect(kinds).toEqual(['copied', 'copied', 'copied', 'outcome']);
  expect(statSync(`${trees.destination}/a`).mtimeMs).toBe(1000);
  expect(statSync(`${trees.destination}/a/b\u00e4`).mtimeMs).toBe(2000);
  expect(statSync(`${trees.destination}/new`).isDirectory()).toBe(true);
});

it('does not miss what has taken the place of a directory since it was looked at', async () => {
  const storage = new PosixStorage(requestFor(trees));
  await storage.lookAhead(['a/b\u00e4']);
  rmSync(`${trees.source}/a/b\u00e4`, { recursive: true });
  expect(storage.completeDirectory(1, 'a/b\u00e4')).toMatchObject({ outcome: { outcome: 'vanished' } });
  storage.close();
});
