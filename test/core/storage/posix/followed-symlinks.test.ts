import { linkSync, mkdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { execaSync } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fullFidelity } from '../../../../core/model/fidelity.ts';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import { identityOf, scanTree } from '../../../../core/storage/posix/scan.ts';
import { setAttribute } from '../../../helpers/attributes.ts';
import { copyTree, makeTwoTrees, placed, requestFor, type TwoTrees } from '../../../helpers/storage-trees.ts';

let trees: TwoTrees;
beforeEach(() => {
  trees = makeTwoTrees();
  mkdirSync(source('d/e'), { recursive: true });
  mkdirSync(outside('sub'), { recursive: true });
  writeFileSync(source('a'), 'a');
  writeFileSync(outside('o'), 'outside');
  writeFileSync(outside('sub/s'), 's');
});
afterEach(() => trees.remove());

const source = (name: string) => `${trees.source}/${name}`;
const outside = (name: string) => `${trees.top}/outside/${name}`;
const copied = (name: string) => `${trees.destination}/${name}`;

function scanFollowing(probe = false, forbidden?: { path: string; refuse: (path: string) => never }) {
  const identity = identityOf(forbidden?.path ?? trees.top)!;
  return placed([
    ...scanTree({
      path: trees.source,
      spillFile: `${trees.top}/spill`,
      probe,
      followsSymlinks: true,
      passOver: undefined,
      forbidden: forbidden && { identity, refuse: forbidden.refuse },
    }),
  ]);
}

const entryAt = (path: string) => scanFollowing().find((entry) => entry.path === path)?.entry;

function copyFollowing() {
  const fidelity = { ...fullFidelity, symlinks: 'follow' } as const;
  const storage = new PosixStorage(requestFor(trees, { fidelity }));
  const { outcomes } = copyTree(storage, scanFollowing());
  storage.close();
  return outcomes;
}

test('what symlinks lead to is copied in their places, as rsync -L would', () => {
  symlinkSync('a', source('la'));
  symlinkSync('../../outside', source('d/out'));
  symlinkSync(outside('sub'), source('sub'));
  symlinkSync('d', source('again'));
  execaSync('mkfifo', ['-m', '0604', outside('p')]);
  setAttribute(outside('sub'), 'user.a', 'x');
  execaSync('chmod', ['2750', outside('sub')]);
  utimesSync(outside('sub'), 1000, 1000);
  expect(copyFollowing()).toEqual([]);
  expect(readFileSync(copied('again/out/sub/s'), 'utf8')).toBe('s');
  expect(execaSync('getfattr', ['-n', 'user.a', '--only-values', copied('sub')]).stdout).toBe('x');
  // Not -X, with which rsync looks for the attributes of the symlink itself
  const words = ['-aLn', '--delete', '--checksum', '--itemize-changes'];
  const rsync = execaSync('rsync', [...words, `${trees.source}/`, `${trees.destination}/`], {
    reject: false,
  });
  expect(rsync.stdout).toBe('');
});

test('one that leads nowhere fails by itself', () => {
  symlinkSync('nowhere', source('d/dangling'));
  expect(copyFollowing()).toMatchObject([{ path: 'd/dangling', outcome: 'failed', cause: 'DANGLING' }]);
  expect(readFileSync(copied('a'), 'utf8')).toBe('a');
});

test('none goes round in a circle', () => {
  symlinkSync('self', source('self'));
  symlinkSync('..', source('d/up'));
  symlinkSync('.', source('d/e/here'));
  symlinkSync(trees.top, source('d/e/above'));
  // Not a circle at the first meeting: `top` holds the source, which is on the way
  const failed = scanFollowing().filter(({ entry }) => entry.kind === 'unreadable');
  const paths = failed.map(({ path }) => path);
  for (const path of ['self', 'd/up', 'd/e/here']) expect(paths).toContain(path);
  expect(new Set(failed.map(({ entry }) => entry.kind === 'unreadable' && entry.errno))).toEqual(
    new Set(['ELOOP']),
  );
});

test('two to one file are two files, and names of one file stay that', () => {
  linkSync(source('a'), source('b'));
  for (const name of ['x', 'y']) symlinkSync('a', source(name));
  expect(copyFollowing()).toEqual([]);
  expect(statSync(copied('a')).ino).toBe(statSync(copied('b')).ino);
  const inodes = ['a', 'x', 'y'].map((name) => statSync(copied(name)).ino);
  expect(new Set(inodes).size).toBe(3);
});

test('a part of a divided file may lie behind one', () => {
  symlinkSync(outside('o'), source('o'));
  const fidelity = { ...fullFidelity, symlinks: 'follow' } as const;
  const storage = new PosixStorage(requestFor(trees, { fidelity }));
  const result = storage.copyPart({ ordinal: 1, path: 'o', bytes: 7, from: 0 });
  if (!('part' in result)) throw new Error(JSON.stringify(result));
  expect(storage.dividedState(1, 'o').version).toBe(result.part.version);
  const { version, temporary, same } = result.part;
  expect(storage.completeFile({ ordinal: 1, path: 'o', bytes: 7, version, temporary, same }).kind).toBe(
    'copied',
  );
  storage.close();
  expect(readFileSync(copied('o'), 'utf8')).toBe('outside');
});

test('one to the destination is refused, and -c opens what it leads to', () => {
  symlinkSync('../../destination', source('d/dest'));
  const refuse = (path: string) => {
    throw new Error(`refused ${path}`);
  };
  expect(() => scanFollowing(false, { path: trees.destination, refuse })).toThrow('refused d/dest');
  symlinkSync('a', source('la'));
  expect(scanFollowing(true).find(({ path }) => path === 'la')?.entry).toEqual({
    kind: 'file',
    name: 'la',
    bytes: 1,
  });
});

test('they are followed only when that was asked for', () => {
  symlinkSync(outside('o'), source('o'));
  expect(entryAt('o')).toMatchObject({ kind: 'file' });
  const storage = new PosixStorage(requestFor(trees));
  const { group } = copyTree(storage, scanFollowing());
  storage.close();
  expect(group.outcomes).toMatchObject([{ path: 'o', cause: 'ELOOP' }]);
});
