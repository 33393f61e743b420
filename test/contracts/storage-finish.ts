import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Storage } from '../../core/storage/storage.ts';
import { filesGroup } from '../helpers/storage-trees.ts';
import { directory, makeTree } from '../helpers/tree.ts';
import type { StorageCase } from './storage.ts';

/** What every storage promises of what finish does. */
export function finishContract(name: string, open: () => StorageCase): void {
  let trees: StorageCase;
  let storage: Storage;

  function eachTime(): void {
    beforeEach(() => {
      trees = open();
      storage = trees.open();
    });
    afterEach(() => {
      storage.close();
      trees.remove();
    });
  }

  const below = (path: string) => `${trees.destination}/${path}`;
  const from = (path: string) => `${trees.source}/${path}`;
  const inode = (path: string) => statSync(below(path)).ino;

  describe(`${name}: a further name of a file`, () => {
    eachTime();
    const link = (path = 'd/b', firstPath = 'a') => storage.linkEntry({ ordinal: 5, path, firstPath });

    test('is made in a directory that was not there', () => {
      writeFileSync(below('a'), 'x');
      expect(link()).toEqual({ kind: 'linked' });
      expect(inode('d/b')).toBe(inode('a'));
      expect(readdirSync(below('d'))).toEqual(['b']);
    });

    test('is skipped when it is one already', () => {
      writeFileSync(below('a'), 'x');
      linkSync(below('a'), below('b'));
      expect(link('b')).toEqual({ kind: 'skipped' });
      expect(readdirSync(trees.destination).sort()).toEqual(['a', 'b']);
    });

    test('replaces another file of that name', () => {
      writeFileSync(below('a'), 'x');
      writeFileSync(below('b'), 'x');
      expect(link('b')).toEqual({ kind: 'linked' });
      expect(inode('b')).toBe(inode('a'));
    });

    test('fails and has not vanished when the first name is not at the destination', () => {
      expect(link()).toMatchObject({
        kind: 'outcome',
        outcome: { outcome: 'failed', cause: 'ENOENT', bytes: 0 },
      });
    });

    test('does not replace a directory, and leaves nothing behind', () => {
      writeFileSync(below('a'), 'x');
      mkdirSync(below('b'));
      expect(link('b')).toMatchObject({ kind: 'outcome', outcome: { outcome: 'failed', cause: 'EISDIR' } });
      expect(readdirSync(trees.destination).sort()).toEqual(['a', 'b']);
    });
  });

  describe(`${name}: a directory`, () => {
    eachTime();

    test('gets mode and times of its source, and is skipped when it has them', async () => {
      await makeTree(trees.source, { d: directory({}, { mode: 0o2751, mtimeNs: 1_234_567_891n }) });
      mkdirSync(below('d'));
      expect(storage.completeDirectory(1, 'd')).toEqual({ kind: 'copied' });
      const { mode, mtimeNs } = statSync(below('d'), { bigint: true });
      expect([Number(mode & 0o7777n), mtimeNs]).toEqual([0o2751, 1_234_567_891n]);
      expect(storage.completeDirectory(1, 'd')).toEqual({ kind: 'skipped' });
    });

    test('is made when it is missing', () => {
      mkdirSync(from('d/e'), { recursive: true });
      expect(storage.completeDirectory(2, 'd/e')).toEqual({ kind: 'copied' });
      expect(statSync(below('d/e')).isDirectory()).toBe(true);
    });

    test('that is gone from the source has vanished', () => {
      const finished = storage.completeDirectory(1, 'd');
      expect(finished).toMatchObject({ kind: 'outcome', outcome: { outcome: 'vanished', path: 'd' } });
    });

    test('that is a file now has changed', () => {
      writeFileSync(from('d'), '');
      expect(storage.completeDirectory(1, 'd')).toMatchObject({
        outcome: { outcome: 'failed', cause: 'CHANGED' },
      });
    });

    test('may be the source itself', () => {
      utimesSync(trees.source, 5, 5);
      expect(storage.completeDirectory(0, '')).toEqual({ kind: 'copied' });
      expect(statSync(trees.destination).mtimeMs).toBe(5000);
    });
  });

  describe(`${name}: what killed workers left`, () => {
    eachTime();
    const leftovers = [
      '.bcopy.r1.4.1-0-7',
      '.bcopy.r1.5.1-0-99',
      '.bcopy.r1.9.1-0-99',
      '.bcopy.r1.10.1-0-99',
      '.bcopy.r1.5.parts',
      '.bcopy.r12.5.1-0-99',
      '.bcopy.other.5.1-0-99',
      '.bcopy.r1.5.1-0-99.txt',
      '.bcopy.r1.x.1-0-99',
      'bcopy.r1.5.1-0-99',
    ];
    const removed = ['.bcopy.r1.5.1-0-99', '.bcopy.r1.9.1-0-99'];
    const others = leftovers.filter((name) => !removed.includes(name)).sort();

    test('is removed for the given entries of this run, and nothing else is', () => {
      mkdirSync(below('d'));
      for (const name of leftovers) writeFileSync(below(`d/${name}`), '');
      storage.removeLeftovers('d', 5, 10);
      expect(readdirSync(below('d')).sort()).toEqual(others);
    });

    test('is no matter in a directory that is missing', () => {
      expect(() => storage.removeLeftovers('not/there', 0, 10)).not.toThrow();
    });

    test('is removed by the next worker on its way', () => {
      mkdirSync(from('d'));
      mkdirSync(below('d'));
      for (const name of ['', 'd/']) for (const left of leftovers) writeFileSync(below(`${name}${left}`), '');
      const next = trees.open({ cleanUp: { from: 5, to: 10 } });
      next.completeDirectory(6, 'd');
      next.close();
      expect(readdirSync(below('d')).sort()).toEqual(others);
      expect(readdirSync(trees.destination).sort()).toEqual([...others, 'd'].sort());
    });

    test('does not stand in the way of the same worker', () => {
      writeFileSync(from('a'), 'x');
      // What is replaced needs a temporary name
      writeFileSync(below('a'), 'older');
      writeFileSync(below('.bcopy.r1.0.1-0-7'), 'torn');
      expect(storage.copyGroup(filesGroup(['a'], 1)).outcomes).toEqual([]);
      expect(readFileSync(below('a'), 'utf8')).toBe('x');
      expect(readdirSync(trees.destination)).toEqual(['a']);
      rmSync(below('a'));
    });
  });
}
