import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HardLinkTable } from '../../../../core/storage/posix/hard-link-table.ts';
import { scanTree } from '../../../../core/storage/posix/scan.ts';
import { makeTwoTrees, type TwoTrees } from '../../../helpers/storage-trees.ts';

let trees: TwoTrees;
beforeEach(() => {
  trees = makeTwoTrees();
});
afterEach(() => trees.remove());

const source = (name: string) => `${trees.source}/${name}`;

function scan(keepsLinks = true) {
  const links = new HardLinkTable();
  const request = { path: trees.source, spillFile: `${trees.top}/spill`, probe: false, passOver: undefined };
  const entries = [...scanTree({ ...request, forbidden: undefined, links, keepsLinks })];
  return { outside: links.outside, kinds: entries.map(({ kind }) => kind).sort() };
}

describe('files with several names', () => {
  test('are counted when some of the names are outside the source', () => {
    for (const name of ['inside', 'one outside', 'two outside', 'single']) writeFileSync(source(name), 'x');
    mkdirSync(source('d'));
    linkSync(source('inside'), source('d/inside'));
    linkSync(source('one outside'), source('d/again'));
    linkSync(source('one outside'), `${trees.top}/1`);
    linkSync(source('two outside'), `${trees.top}/2`);
    linkSync(source('two outside'), `${trees.top}/3`);
    symlinkSync('x', source('symlink'));
    linkSync(source('symlink'), `${trees.top}/4`);
    expect(scan().outside).toBe(3);
  });

  test('are files of their own when hard links are not kept', () => {
    writeFileSync(source('a'), 'x');
    linkSync(source('a'), source('b'));
    expect(scan().kinds).toEqual(['directory', 'file', 'link']);
    expect(scan(false)).toEqual({ outside: 0, kinds: ['directory', 'file', 'file'] });
  });
});

describe('the table of them', () => {
  test('counts what leads outside while it grows', () => {
    const table = new HardLinkTable();
    for (let i = 0; i < 10_000; i++) table.firstOf('8:1', i, 0, i, 2);
    expect(table.outside).toBe(10_000);
    for (let i = 0; i < 10_000; i += 2) expect(table.firstOf('8:1', i, 0, 20_000, 2)).toBe(i);
    expect([table.size, table.outside]).toEqual([10_000, 5_000]);
    // A name that was made meanwhile is no matter
    for (let again = 0; again < 3; again++) table.firstOf('8:1', 0, 0, 30_000, 2);
    expect(table.outside).toBe(5_000);
  });

  test('takes at most 64 bytes for each inode', () => {
    const table = new HardLinkTable();
    let most = 0;
    for (let i = 0; i < 800_000; i++) {
      table.firstOf('8:1', i, 0, i, 2);
      if (i > 1000) most = Math.max(most, table.bytes / table.size);
    }
    expect(most).toBeLessThanOrEqual(64);
  });
});
