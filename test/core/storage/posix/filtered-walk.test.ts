import { chmodSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import type { Filters } from '../../../../core/model/filters.ts';
import { listNames as listSet } from '../../../../core/storage/posix/listed-names.ts';
import { identityOf } from '../../../../core/storage/posix/scan.ts';
import { fillHostileTree } from '../../../helpers/hostile-tree.ts';
import type { ScanWork } from '../../../helpers/scan-child.ts';
import { type Scanned, scanAlone, scanTogether, type Ways } from '../../../helpers/scan-tapes.ts';
import { buildChild } from '../../../helpers/storage-as-user.ts';
import { makeTwoTrees, type TwoTrees } from '../../../helpers/storage-trees.ts';

const installed = inject('installed');
const listNames = (paths: readonly string[]) => listSet(new Set(paths));

/** The tape is the same by one thread, by several and by many calls at once; what it is, and how many are left out. */
async function scanEveryWay(source: string, ways: Ways): Promise<{ alone: Scanned; excluded: number }> {
  const alone = scanAlone(source, ways);
  const counts = new Set<number>();
  const each = [{ threads: 0 }, { threads: 2, namesAtMost: 16 }, { threads: 0, isSlow: true }];
  for (const way of each) {
    let excluded = 0;
    const onChunk = (more: number) => {
      excluded += more;
    };
    const together = await scanTogether(source, installed, { ...ways, ...way, onChunk });
    expect(together.tape === alone.tape, JSON.stringify(way)).toBe(true);
    expect(together.index).toBe(alone.index);
    counts.add(excluded);
  }
  expect([...counts]).toHaveLength(1);
  return { alone, excluded: [...counts][0]! };
}

const out = (...patterns: string[]): Filters => ({
  rules: patterns.map((pattern) => ({ kind: 'exclude', pattern })),
});

describe('a tree with everything in it', () => {
  let trees: TwoTrees;
  let all: Scanned;
  beforeAll(() => {
    trees = makeTwoTrees();
    fillHostileTree(trees.source, trees.top);
    all = scanAlone(trees.source);
  });
  afterAll(() => execa('rm', ['-rf', trees.top]));

  test.each<[string, Filters]>([
    ['names', out('name *', '[d-p]*')],
    ['paths', out('nested/*/3', '/large/**/file')],
    ['all but directories', { directoriesOnly: true }],
    ['sizes and ages', { minBytes: 1, maxBytes: 2 ** 30, newerMs: 1 }],
    ['names but some', { rules: [{ kind: 'include', pattern: '*[02468]*' }, ...out('name *').rules!] }],
  ])('%s: the same every way', async (_, filters) => {
    const { alone, excluded } = await scanEveryWay(trees.source, { filters });
    expect(alone.totals.entries).toBeGreaterThan(0);
    expect(excluded).toBeGreaterThan(10);
    expect(alone.totals.entries + excluded).toBeLessThanOrEqual(all.totals.entries);
  });

  test('nothing is left out where no directory is: each entry is on the tape or counted', async () => {
    const { alone, excluded } = await scanEveryWay(trees.source, { filters: { minBytes: 5 } });
    expect(alone.totals.entries + excluded).toBe(all.totals.entries);
  });

  test('filters that leave nothing out change nothing', async () => {
    const { alone, excluded } = await scanEveryWay(trees.source, { filters: { rules: [], minBytes: 0 } });
    expect(alone).toEqual(all);
    expect(excluded).toBe(0);
  });

  test('a list of what there is is the same every way', async () => {
    const paths = Array.from({ length: 3000 }, (_, i) => `large/name ${i} ${'é'.repeat(i % 30)}`);
    const listed = listNames([...paths, 'nested/1', 'nested/2/3', 'nowhere/at/all'])!;
    const { alone } = await scanEveryWay(trees.source, { listed });
    expect(alone.tape).toContain('"nested/1/0"');
    expect(alone.tape).not.toContain('"nested/2/0"');
    expect(alone.tape).toContain('["x","nowhere","MISSING"]');
    // Each 500th is a directory, under another name
    expect(alone.totals.unreadable).toBe(1 + 6);
  });
});

describe('a small tree', () => {
  let trees: TwoTrees;
  const at = (name: string) => `${trees.source}/${name}`;
  beforeEach(() => {
    trees = makeTwoTrees();
    chmodSync(trees.top, 0o755);
    for (const name of ['a', 'a/b', 'c']) mkdirSync(at(name));
    for (const name of ['f', 'a/f', 'a/b/f', 'c/g']) writeFileSync(at(name), name);
    symlinkSync('a', at('s'));
    onTestFinished(() => trees.remove());
  });

  async function pathsOf(ways: Ways): Promise<string[]> {
    const { alone } = await scanEveryWay(trees.source, ways);
    let directory = '';
    const paths = alone.tape.split('\n').flatMap((line) => {
      if (!line.startsWith('[')) return [];
      const [kind, name, errno] = JSON.parse(line) as [string, string, string];
      if (kind === 'd') directory = name === '' ? '' : `${name}/`;
      const path = kind === 'd' ? directory : `${directory}${name}`;
      return [kind === 'x' ? `${path} ${errno}` : path];
    });
    return paths.filter((path) => path !== '').sort();
  }

  test('what is in a directory that is left out is left out with it', async () => {
    expect(await pathsOf({ filters: out('/a') })).toEqual(['c/', 'c/g', 'f', 's']);
    expect(await pathsOf({ filters: out('b/') })).toEqual(['a/', 'a/f', 'c/', 'c/g', 'f', 's']);
  });

  test('the first rule that fits decides', async () => {
    const rules = [
      { kind: 'include', pattern: '*/' },
      { kind: 'include', pattern: 'g' },
      { kind: 'exclude', pattern: '*' },
    ] as const;
    expect(await pathsOf({ filters: { rules } })).toEqual(['a/', 'a/b/', 'c/', 'c/g']);
    expect(await pathsOf({ filters: { rules: [...rules].reverse() } })).toEqual([]);
  });

  test('the skeleton of a tree has its directories', async () => {
    expect(await pathsOf({ filters: { directoriesOnly: true } })).toEqual(['a/', 'a/b/', 'c/']);
  });

  test('a symlink that is followed is what it leads to', async () => {
    const ways = { followsSymlinks: true };
    expect(await pathsOf({ ...ways, filters: out('s/') })).not.toContain('s/');
    expect(await pathsOf({ ...ways, filters: { directoriesOnly: true } })).toContain('s/b/');
    expect(await pathsOf({ filters: out('s/') })).toContain('s');
  });

  test('sizes are of files, ages of all but directories', async () => {
    truncateSync(at('f'), 1000);
    expect(await pathsOf({ filters: { minBytes: 1000 } })).toEqual(['a/', 'a/b/', 'c/', 'f', 's']);
    expect(await pathsOf({ filters: { minBytes: 1001, directoriesOnly: false } })).not.toContain('f');
    expect(await pathsOf({ filters: { maxBytes: 999 } })).not.toContain('f');
    await execa('touch', ['-d', '@-1000', at('f')]);
    expect(await pathsOf({ filters: { newerMs: -1_000_000, olderMs: -999_999 } })).toContain('f');
    utimesSync(at('f'), 1000, 1000);
    expect(await pathsOf({ filters: { olderMs: 1_000_001 } })).toEqual(['a/', 'a/b/', 'c/', 'f']);
    expect(await pathsOf({ filters: { olderMs: 1_000_000 } })).not.toContain('f');
    expect(await pathsOf({ filters: { newerMs: 1_000_000 } })).toContain('f');
    expect(await pathsOf({ filters: { newerMs: 1_000_001 } })).not.toContain('f');
  });

  test('only what is listed, with the directories above it', async () => {
    const listed = listNames(['a/b', 'a/b/f', 'c/g', 'c/none', 'f/x', 's'])!;
    const expected = ['a/', 'a/b/', 'a/b/f', 'c/', 'c/g', 'c/none MISSING', 'f NO_DIRECTORY', 's'];
    expect(await pathsOf({ listed })).toEqual(expected);
    expect(listNames(['a', ''])).toBe(undefined);
    expect(await pathsOf({ listed, filters: out('b') })).not.toContain('a/b/');
  });

  test('a listed directory is passed over, or forbidden, like any other', async () => {
    const listed = listNames(['a/b', 'c/g'])!;
    expect(await pathsOf({ listed, passOver: identityOf(at('a'))! })).toEqual(['c/', 'c/g']);
    const refuse = (path: string): never => {
      throw new Error(`refused ${path}`);
    };
    const forbidden = { identity: identityOf(at('c'))!, refuse };
    await expect(scanTogether(trees.source, installed, { listed, forbidden })).rejects.toThrow('refused c');
  });

  test.each([true, false])('what is left out is not opened (slow: %s)', async (isSlow) => {
    mkdirSync(at('closed'), { mode: 0o000 });
    writeFileSync(at('secret'), 'x', { mode: 0o000 });
    const program = await buildChild<ScanWork, { alone: Scanned; together: Scanned }>('scan-child');
    const run = async (filters: Filters) => {
      const ways = { isSlow, probe: true, namesAtMost: 8, filters };
      const { alone, together } = await program.run({ source: trees.source, installed, ways });
      expect(together).toEqual(alone);
      return together.totals.unreadable;
    };
    expect(await run({})).toBe(2);
    expect(await run(out('closed', 'secret'))).toBe(0);
    expect(await run(out('closed', 's*'))).toBe(0);
    expect(await run({ maxBytes: 0 })).toBe(1);
    program.remove();
  });

  test.skipIf(process.getuid?.() !== 0)('a directory of another file system is kept empty', async () => {
    mkdirSync(at('mounted'));
    await execa('mount', ['-t', 'tmpfs', 'none', at('mounted')]);
    try {
      writeFileSync(at('mounted/inside'), 'x');
      expect(await pathsOf({})).toContain('mounted/inside');
      const paths = await pathsOf({ filters: { oneFileSystem: true } });
      expect(paths).toContain('mounted/');
      expect(paths).not.toContain('mounted/inside');
      expect(paths).toContain('a/b/f');
    } finally {
      await execa('umount', [at('mounted')]);
    }
  });
});
