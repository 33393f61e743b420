import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Storage } from '../../core/storage/storage.ts';
import { groupOfSome } from '../../workers/groups.ts';
import {
  copyTree,
  filesGroup,
  groupFor,
  placed,
  scanned,
  sumOf,
  type TwoTrees,
} from '../helpers/storage-trees.ts';
import { fifo, file, hardLinkTo, makeTree, readTree, sparseFile, symlinkTo } from '../helpers/tree.ts';
import { bytes, treesToCopy } from './storage-literals.ts';

/** Who opens the two trees: the first worker of a run, unless it is said otherwise. */
export type OpenAs = {
  readonly attempt?: number;
  readonly restart?: number;
  readonly pid?: number;
  readonly mayExist?: boolean;
  readonly cleanUp?: { readonly from: number; readonly to: number };
  readonly sourceInode?: string;
};

/** Two trees that the test can look at, and a way to open them as often as it wants. */
export type StorageCase = TwoTrees & { readonly open: (as?: OpenAs) => Storage };

const [KiB, MiB] = [2 ** 10, 2 ** 20];

/** What every storage promises of groups of entries; `open` gives two empty trees. */
export function storageContract(name: string, open: () => StorageCase): void {
  describe(`${name}: a group of entries`, () => {
    let trees: StorageCase;
    let storage: Storage;
    beforeEach(() => {
      trees = open();
      storage = trees.open();
    });
    afterEach(() => {
      storage.close();
      trees.remove();
    });

    const copyAll = () => copyTree(storage, scanned(trees.source));
    const below = (path: string) => `${trees.destination}/${path}`;
    const from = (path: string) => `${trees.source}/${path}`;

    test.each(Object.entries(treesToCopy))('%s arrive as they are', async (_, literal) => {
      await makeTree(trees.source, literal);
      const entries = scanned(trees.source);
      const { outcomes } = copyTree(storage, entries);
      expect(outcomes).toEqual([]);
      expect(await readTree(trees.destination)).toEqual(await readTree(trees.source));
      // A second worker finds everything there, and leaves it as it is
      const again = trees.open({ attempt: 2, cleanUp: { from: 0, to: entries.length } });
      const { group } = copyTree(again, entries);
      again.close();
      expect(sumOf(group, 'copied').entries).toBe(0);
      expect(await readTree(trees.destination)).toEqual(await readTree(trees.source));
    });

    test('are accounted for, entry by entry and byte by byte', async () => {
      await makeTree(trees.source, {
        a: 'xx',
        b: 'yyy',
        d: { c: 'zzzz', l: hardLinkTo('a'), s: symlinkTo('a') },
      });
      const entries = scanned(trees.source);
      const group = storage.copyGroup(groupFor(entries));
      expect(sumOf(group, 'copied')).toEqual({ entries: 4, bytes: 9 });
      expect(group.ranges.map(({ from, to }) => [from, to])).toEqual([[0, entries.length]]);
      expect(group.hopeless).toBeUndefined();
    });

    test('are in no range when they are not in the group', async () => {
      await makeTree(trees.source, { a: 'x', b: 'y', c: 'z', d: 'w' });
      const entries = scanned(trees.source);
      const files = entries.filter(({ entry }) => entry.kind === 'file').map(({ ordinal }) => ordinal);
      const some = groupOfSome(groupFor(entries), [files[0]!, files[2]!, files[3]!]);
      const { ranges } = storage.copyGroup(some);
      expect(ranges.map(({ from, to }) => [from, to])).toEqual([
        [files[0], files[0]! + 1],
        [files[2], files[3]! + 1],
      ]);
    });

    test.each([
      ['a hole at its end', sparseFile(8 * MiB, [[0, 'x']])],
      ['a hole at its beginning', sparseFile(8 * MiB, [[8 * MiB - 1, 'x']])],
      ['nothing but a hole', sparseFile(8 * MiB)],
      [
        'data between holes',
        sparseFile(32 * MiB, [
          [4 * MiB, bytes.subarray(0, MiB)],
          [20 * MiB, 'x'],
        ]),
      ],
      ['a small hole', sparseFile(64 * KiB, [[60 * KiB, 'x']])],
    ])('a file with %s takes no more room than at the source', async (_, node) => {
      await makeTree(trees.source, { sparse: node });
      expect(copyAll().outcomes).toEqual([]);
      expect(await readTree(trees.destination)).toEqual(await readTree(trees.source));
      expect(statSync(below('sparse')).blocks).toBeLessThanOrEqual(statSync(from('sparse')).blocks);
    });

    test('what is there already is not touched', async () => {
      await makeTree(trees.source, { a: 'x', s: symlinkTo('a'), p: fifo(), d: { b: 'yy' } });
      copyAll();
      const before = readdirSync(trees.destination).map((name) => statOf(below(name)));
      const again = trees.open();
      const { group } = copyTree(again, scanned(trees.source));
      again.close();
      expect(sumOf(group, 'skipped')).toEqual({ entries: 4, bytes: 3 });
      expect(readdirSync(trees.destination).map((name) => statOf(below(name)))).toEqual(before);
    });

    test.each([
      ['size', 'longer', 1000n],
      ['mtime', 'x', 1001n],
    ])('a file of another %s is replaced', async (_, content, mtimeNs) => {
      await makeTree(trees.source, { a: file('x', { mtimeNs: 1000n }) });
      await makeTree(trees.destination, { a: file(content, { mtimeNs }), other: 'mine' });
      const old = statSync(below('a')).ino;
      expect(sumOf(copyAll().group, 'copied').entries).toBe(1);
      expect(readFileSync(below('a'), 'utf8')).toBe('x');
      expect(statSync(below('a')).ino).not.toBe(old);
      expect(readFileSync(below('other'), 'utf8')).toBe('mine');
    });

    test('what the scan could not read has failed, with the cause of then', () => {
      const group = groupFor(
        placed([
          { kind: 'directory', path: '' },
          { kind: 'unreadable', name: 'u', errno: 'EACCES' },
          { kind: 'unreadable', name: '', errno: 'EIO' },
        ]),
      );
      const outcomes = storage.copyGroup(group).outcomes;
      expect(outcomes.map(({ ordinal, path, cause, action }) => [ordinal, path, cause, action])).toEqual([
        [1, 'u', 'EACCES', 'scan'],
        [2, '', 'EIO', 'scan'],
      ]);
    });

    test('no temporary file stays after a failure', () => {
      writeFileSync(from('a'), 'x');
      mkdirSync(below('a'));
      const group = filesGroup(['a', 'gone', 'b'], 1);
      expect(storage.copyGroup(group).outcomes).toHaveLength(3);
      expect(readdirSync(trees.destination)).toEqual(['a']);
    });

    test('are durable after a sync', async () => {
      writeFileSync(from('a'), 'x');
      storage.copyGroup(filesGroup(['a']));
      await expect(storage.sync()).resolves.toBeUndefined();
    });
  });
}

function statOf(path: string) {
  const { ino, ctimeNs, mtimeNs } = statSync(path, { bigint: true });
  return { ino, ctimeNs, mtimeNs };
}
