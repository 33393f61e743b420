import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SourceRoot } from '../../../../core/model/source-root.ts';
import { PosixExtras } from '../../../../core/storage/posix/extras.ts';
import { PosixStorage, type PosixStorageRequest } from '../../../../core/storage/posix/posix-storage.ts';
import { SourceTree } from '../../../../core/storage/posix/source-tree.ts';
import { removalRequest } from '../../../helpers/removal-work.ts';
import { copyTree, makeTwoTrees, placed, requestFor, type TwoTrees } from '../../../helpers/storage-trees.ts';
import { file, makeTree, readTree, symlinkTo } from '../../../helpers/tree.ts';

let trees: TwoTrees;
beforeEach(async () => {
  trees = makeTwoTrees();
  await makeTree(trees.source, {
    one: { A: { a: 'xx', sub: { b: 'y' } } },
    two: { B: { c: file('zzz', { mode: 0o640 }) }, 'real.txt': 'hello' },
  });
});
afterEach(() => trees.remove());

const inodeOf = (path: string) => String(statSync(path, { bigint: true }).ino);

function roots(): SourceRoot[] {
  const [one, two] = [`${trees.source}/one`, `${trees.source}/two`];
  return [
    { name: 'A', path: `${one}/A`, inode: inodeOf(`${one}/A`) },
    { name: 'B', path: `${two}/B`, inode: inodeOf(`${two}/B`) },
    { name: 'F', path: `${two}/real.txt`, inode: inodeOf(two), isFile: true },
  ];
}

/** As the scan lays them. */
const entries = placed([
  { kind: 'directory', path: '' },
  { kind: 'file', name: 'F', bytes: 5 },
  { kind: 'directory', path: 'A' },
  { kind: 'file', name: 'a', bytes: 2 },
  { kind: 'directory', path: 'A/sub' },
  { kind: 'file', name: 'b', bytes: 1 },
  { kind: 'directory', path: 'B' },
  { kind: 'file', name: 'c', bytes: 3 },
]);

function copy(given: readonly SourceRoot[], more: Partial<PosixStorageRequest> = {}) {
  const request = requestFor(trees, { source: '', sourceInode: '', roots: given, ...more });
  const storage = new PosixStorage(request);
  try {
    return copyTree(storage, entries);
  } finally {
    storage.close();
  }
}

const said = ({ outcomes }: ReturnType<typeof copy>) =>
  outcomes.map(({ path, outcome, cause }) => [path, outcome, cause]);

describe('several roots', () => {
  test('arrive under their names, wherever they are, and the destination stays as it was', async () => {
    utimesSync(trees.destination, 1000, 1000);
    const { mode } = statSync(trees.destination);
    expect(copy(roots()).outcomes).toEqual([]);
    const [one, two] = [await readTree(`${trees.source}/one`), await readTree(`${trees.source}/two`)];
    expect(await readTree(trees.destination)).toEqual({ A: one.A, B: two.B, F: two['real.txt'] });
    expect(statSync(trees.destination).mode).toBe(mode);
  });

  test('are found there by a second worker', () => {
    copy(roots());
    const { group } = copy(roots());
    expect(group.ranges.map(({ copied }) => copied.entries)).toEqual([0]);
    expect(group.ranges[0]!.skipped).toEqual({ entries: 4, bytes: 11 });
  });

  test('what is gone has vanished, and nothing has from a root that is another', () => {
    const given = roots();
    rmSync(`${trees.source}/two/B/c`);
    rmSync(`${trees.source}/two/real.txt`);
    renameSync(`${trees.source}/one/A`, `${trees.source}/one/away`);
    mkdirSync(`${trees.source}/one/A`);
    expect(said(copy(given))).toEqual([
      ['F', 'vanished', 'ENOENT'],
      ['A/a', 'failed', 'SOURCE_ROOT'],
      ['A/sub/b', 'failed', 'SOURCE_ROOT'],
      ['B/c', 'vanished', 'ENOENT'],
      ['A/sub', 'failed', 'SOURCE_ROOT'],
    ]);
  });

  test('a file has not vanished from a directory that is another', () => {
    const given = roots();
    renameSync(`${trees.source}/two`, `${trees.source}/away`);
    mkdirSync(`${trees.source}/two`);
    renameSync(`${trees.source}/away/B`, `${trees.source}/two/B`);
    expect(said(copy(given))).toEqual([['F', 'failed', 'SOURCE_ROOT']]);
  });

  test('one that is not there is an error of them all', () => {
    const given = roots();
    renameSync(`${trees.source}/two/B`, `${trees.source}/two/away`);
    expect(() => copy(given)).toThrow('open the source');
  });

  test('one that goes while others are copied is not what was scanned', () => {
    const source = new SourceTree(roots());
    expect(source.isWhollyAsScanned).toBe(true);
    source.directory('B');
    renameSync(`${trees.source}/one/A`, `${trees.source}/one/away`);
    expect(() => source.directory('A/sub')).toThrow(expect.objectContaining({ cause: 'SOURCE_ROOT' }));
    mkdirSync(`${trees.source}/one/A`);
    expect(() => source.directory('A/sub')).toThrow(expect.objectContaining({ cause: 'ENOENT' }));
    expect([source.isAsScanned('A/sub'), source.isAsScanned('B/c')]).toEqual([false, true]);
    source.close();
  });

  test('a file in place of which there is a symlink is not followed', () => {
    const given = roots();
    rmSync(`${trees.source}/two/real.txt`);
    symlinkSync('B/c', `${trees.source}/two/real.txt`);
    expect(said(copy(given))).toEqual([['F', 'failed', 'ELOOP']]);
  });

  test('what has the name of one at the destination is replaced, never followed', async () => {
    await makeTree(trees.destination, { outside: 'keep', F: symlinkTo('outside'), A: symlinkTo('.') });
    expect(copy(roots()).outcomes).toEqual([]);
    expect(readFileSync(`${trees.destination}/outside`, 'utf8')).toBe('keep');
    expect(await readTree(trees.destination)).toMatchObject({ A: { children: { a: { content: 'xx' } } } });
  });
});

describe('what the source does not have', () => {
  test('is looked for below roots only', async () => {
    copy(roots());
    await makeTree(trees.destination, { other: { x: '' }, stray: '' });
    await makeTree(`${trees.destination}/A`, { extra: '', gone: { y: '' } });
    const request = { ...removalRequest(trees, 'trash'), roots: roots(), isSafe: () => false };
    const extras = new PosixExtras(request);
    const found = ['', 'A', 'A/sub', 'B'].map((path) =>
      [...extras.candidates(path)].flat().filter((one) => extras.isStillExtra(one)),
    );
    extras.close();
    expect(found.map((some) => some.map(({ path }) => path).sort())).toEqual([
      [],
      ['A/extra', 'A/gone'],
      [],
      [],
    ]);
  });

  test('cannot be told any more when a root has become another meanwhile', async () => {
    copy(roots());
    await makeTree(`${trees.destination}/A`, { extra: '' });
    await makeTree(`${trees.destination}/B`, { extra: '' });
    const extras = new PosixExtras({
      ...removalRequest(trees, 'trash'),
      roots: roots(),
      isSafe: () => false,
    });
    const look = (path: string) => [...extras.candidates(path)].flat().map(({ path }) => path);
    const extra = { path: 'A/extra', kind: 'other' } as const;
    try {
      expect(look('A')).toContain('A/extra');
      expect(extras.isStillExtra(extra)).toBe(true);
      expect(look('B')).toContain('B/extra');
      expect(extras.isStillExtra({ path: 'B/extra', kind: 'other' })).toBe(true);
      renameSync(`${trees.source}/one/A`, `${trees.source}/one/away`);
      mkdirSync(`${trees.source}/one/A`);
      const changed = expect.objectContaining({ cause: 'SOURCE_ROOT' });
      expect(() => look('A')).toThrow(changed);
      expect(() => extras.isStillExtra(extra)).toThrow(changed);
    } finally {
      extras.close();
    }
  });

  test('is not looked for when one root is another', () => {
    const given = roots();
    renameSync(`${trees.source}/two/B`, `${trees.source}/two/away`);
    mkdirSync(`${trees.source}/two/B`);
    const request = { ...removalRequest(trees, 'trash'), roots: given, isSafe: () => false };
    expect(() => new PosixExtras(request)).toThrow(expect.objectContaining({ cause: 'SOURCE_ROOT' }));
  });
});
