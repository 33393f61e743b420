import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Storage } from '../../core/storage/storage.ts';
import { copyTree, scanned } from '../helpers/storage-trees.ts';
import { fifo, makeTree, readTree, symlinkTo } from '../helpers/tree.ts';
import type { StorageCase } from './storage.ts';

/** What every storage promises of what stands in the way, and of what is not there any more. */
export function obstacleContract(name: string, open: () => StorageCase): void {
  describe(`${name}: what is in the way or gone`, () => {
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

    test.each([
      ['a file', 'x'],
      ['a symlink', symlinkTo('elsewhere')],
      ['a FIFO', fifo()],
    ])('%s replaces whatever is no directory', async (_, node) => {
      await makeTree(trees.source, { a: node, b: node, c: node });
      await makeTree(trees.destination, { a: 'old', b: symlinkTo('../outside'), c: fifo(), old: '' });
      writeFileSync(`${trees.top}/outside`, 'kept');
      expect(copyAll().outcomes).toEqual([]);
      rmSync(below('old'));
      const options = { attributes: false };
      expect(await readTree(trees.destination, options)).toEqual(await readTree(trees.source, options));
      expect(readFileSync(`${trees.top}/outside`, 'utf8')).toBe('kept');
    });

    test('a symlink where a directory belongs is replaced and never followed', async () => {
      await makeTree(trees.source, { d: { a: 'x', e: { b: 'y' } } });
      mkdirSync(`${trees.top}/outside/e`, { recursive: true });
      symlinkSync(`${trees.top}/outside`, below('d'));
      expect(copyAll().outcomes).toEqual([]);
      expect(await readTree(trees.destination)).toEqual(await readTree(trees.source));
      expect(readdirSync(`${trees.top}/outside`, { recursive: true })).toEqual(['e']);
    });

    test('a file where a directory belongs is replaced', async () => {
      await makeTree(trees.source, { d: { a: 'x' } });
      writeFileSync(below('d'), 'in the way');
      expect(copyAll().outcomes).toEqual([]);
      expect(await readTree(trees.destination)).toEqual(await readTree(trees.source));
    });

    test.each([
      ['a file', 'x'],
      ['a symlink', symlinkTo('x')],
      ['a FIFO', fifo()],
    ])('a directory where %s belongs is told and stays', async (_, node) => {
      await makeTree(trees.source, { a: node, b: 'after' });
      mkdirSync(below('a'));
      writeFileSync(below('a/inside'), 'kept');
      const { outcomes } = copyAll();
      expect(outcomes).toMatchObject([{ path: 'a', outcome: 'failed', cause: 'EISDIR', action: 'rename' }]);
      expect(readFileSync(below('a/inside'), 'utf8')).toBe('kept');
      expect(readdirSync(trees.destination).sort()).toEqual(['a', 'b']);
    });

    test('what is gone from the source has vanished', async () => {
      await makeTree(trees.source, {
        a: 'x',
        s: symlinkTo('a'),
        p: fifo(),
        d: { b: 'y', e: { c: 'z' } },
        stays: 'w',
      });
      const entries = scanned(trees.source);
      for (const gone of ['a', 's', 'p', 'd']) rmSync(from(gone), { recursive: true });
      const { outcomes } = copyTree(storage, entries);
      expect(outcomes.filter(({ outcome, cause }) => outcome !== 'vanished' || cause !== 'ENOENT')).toEqual(
        [],
      );
      expect(new Set(outcomes.map(({ path }) => path))).toEqual(
        new Set(['a', 's', 'p', 'd/b', 'd/e/c', 'd', 'd/e']),
      );
      expect(readFileSync(below('stays'), 'utf8')).toBe('w');
    });

    test('nothing has vanished from a source that is not the one that was scanned', async () => {
      await makeTree(trees.source, { a: 'x', d: { b: 'y' } });
      const entries = scanned(trees.source);
      renameSync(trees.source, `${trees.source}.away`);
      mkdirSync(trees.source);
      const other = trees.open({ sourceInode: String(statSync(`${trees.source}.away`).ino) });
      const { group } = copyTree(other, entries);
      other.close();
      expect(group.outcomes.map(({ path, outcome, cause }) => [path, outcome, cause])).toEqual([
        ['a', 'failed', 'SOURCE_ROOT'],
        ['d/b', 'failed', 'SOURCE_ROOT'],
      ]);
    });

    test('what became something else since the scan has changed', async () => {
      await makeTree(trees.source, { a: 'x', s: symlinkTo('a'), p: fifo() });
      const entries = scanned(trees.source);
      for (const path of ['a', 's', 'p']) rmSync(from(path));
      for (const path of ['a', 's', 'p']) mkdirSync(from(path));
      const { outcomes } = copyTree(storage, entries);
      expect(outcomes.map(({ path, cause }) => [path, cause]).sort()).toEqual([
        ['a', 'CHANGED'],
        ['p', 'CHANGED'],
        ['s', 'CHANGED'],
      ]);
      expect(readdirSync(trees.destination)).toEqual([]);
    });

    test('a symlink in place of a file or directory of the source is not followed', async () => {
      await makeTree(trees.source, { a: 'x', d: { b: 'y' } });
      const entries = scanned(trees.source);
      for (const path of ['a', 'd']) rmSync(from(path), { recursive: true });
      mkdirSync(`${trees.top}/outside`);
      writeFileSync(`${trees.top}/outside/b`, 'secret');
      symlinkSync(`${trees.top}/outside/b`, from('a'));
      symlinkSync(`${trees.top}/outside`, from('d'));
      const { group } = copyTree(storage, entries);
      expect(group.outcomes.map(({ path, outcome }) => [path, outcome])).toEqual([
        ['a', 'failed'],
        ['d/b', 'failed'],
      ]);
      expect(existsSync(below('a'))).toBe(false);
      expect(existsSync(below('d/b'))).toBe(false);
    });
  });
}
