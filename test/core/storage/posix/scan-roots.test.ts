import { linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, inject, it, test } from 'vitest';
import type { SourceRoot } from '../../../../core/model/source-root.ts';
import { mountNew } from '../../../helpers/file-systems.ts';
import { fillHostileTree } from '../../../helpers/hostile-tree.ts';
import { scanAlone, scanTogether, type Ways } from '../../../helpers/scan-tapes.ts';
import { makeTwoTrees, type TwoTrees } from '../../../helpers/storage-trees.ts';

const installed = inject('installed');
let trees: TwoTrees;
let all: SourceRoot[];
beforeAll(() => {
  trees = makeTwoTrees();
  fillHostileTree(trees.source, trees.top);
  all = topOf(scanAlone(trees.source).tape);
});
afterAll(async () => {
  await execa('rm', ['-rf', trees.top]);
});

/** Everything that is directly in the source as roots, in the order in which the source tells it. */
function topOf(tape: string): SourceRoot[] {
  const lines = tape.split('\n').slice(1, -2);
  const entries = lines.map((line) => JSON.parse(Buffer.from(line, 'latin1').toString()) as [string, string]);
  const end = entries.findIndex(([kind, path]) => kind === 'd' && path !== '');
  const files = entries.slice(1, end).map(([, name]) => rootOf(name, true));
  const directories = entries.filter(([kind, path]) => kind === 'd' && path !== '' && !path.includes('/'));
  return [...files, ...directories.map(([, name]) => rootOf(name, false)).reverse()];
}

function rootOf(name: string, isFile: boolean): SourceRoot {
  return { name, path: `${trees.source}/${name}`, inode: '', ...(isFile ? { isFile } : {}) };
}

const descriptors = () => readdirSync('/proc/self/fd').length;

describe.each([0, 3])('with %i threads beside this one', (threads) => {
  const ways: [string, Ways][] = [
    ['', {}],
    ['in stretches of one name', { namesAtMost: 1 }],
    ['where calls are slow', { isSlow: true }],
    ['where calls are slow and names are long', { isSlow: true, probe: true }],
    ['with links as files of their own', { keepsLinks: false }],
    ['with filters', { filters: { rules: [{ kind: 'exclude', pattern: '/*/*1*' }], maxBytes: 1000 } }],
    ['with directories only', { filters: { directoriesOnly: true } }],
  ];
  test.each(ways)('the tape of all that is in a directory is that of the directory %s', async (_, more) => {
    const alone = scanAlone(trees.source, more);
    const before = descriptors();
    const together = await scanTogether(all, installed, { ...more, threads });
    expect(together.totals).toEqual(alone.totals);
    expect(together.outside).toBe(alone.outside);
    expect(together.tape === alone.tape, 'the same tape').toBe(true);
    expect(together.index === alone.index, 'the same index').toBe(true);
    expect(descriptors()).toBe(before);
  });
});

describe('roots', () => {
  const rootsIn = (top: string, ...names: string[]): SourceRoot[] =>
    names.map((name) => {
      const isFile = !(statSync(`${top}/${name}`, { throwIfNoEntry: false })?.isDirectory() ?? false);
      return { name, path: `${top}/${name}`, inode: '', isFile };
    });
  const linesOf = ({ tape }: { tape: string }) => tape.split('\n').slice(1, -2);

  it('that have gone are missed, and a directory is an error', async () => {
    const { source, remove } = makeTwoTrees();
    mkdirSync(`${source}/A`);
    writeFileSync(`${source}/F`, 'x');
    const roots = rootsIn(source, 'A', 'F', 'gone');
    expect(linesOf(await scanTogether(roots, installed))).toEqual([
      '["d",""]',
      '["f","F",1]',
      '["x","gone","MISSING"]',
      '["d","A"]',
    ]);
    expect(linesOf(await scanTogether(roots.slice(1), installed))).toHaveLength(3);
    rmSync(`${source}/A`, { recursive: true });
    expect(linesOf(await scanTogether(roots.slice(0, 1), installed))).toEqual([
      '["d",""]',
      '["x","A","MISSING"]',
    ]);
    remove();
  });

  it('share files with several names', async () => {
    const { source, remove } = makeTwoTrees();
    for (const name of ['A', 'B']) mkdirSync(`${source}/${name}`);
    writeFileSync(`${source}/A/a`, 'x');
    linkSync(`${source}/A/a`, `${source}/B/b`);
    linkSync(`${source}/A/a`, `${source}/F`);
    const scanned = await scanTogether(rootsIn(source, 'A', 'B', 'F'), installed);
    expect(scanned.totals).toMatchObject({ files: 1, links: 2, directories: 3 });
    expect(scanned.outside).toBe(0);
    expect(linesOf(scanned)[1]).toBe('["f","F",1]');
    remove();
  });

  it('each stay on their own file system', async (context) => {
    const [one, other] = [await mountNew('tmpfs'), await mountNew('tmpfs')];
    if (typeof one === 'string' || typeof other === 'string') {
      if (typeof one !== 'string') await one.unmount();
      return context.skip(String(one));
    }
    const { source, remove } = makeTwoTrees();
    mkdirSync(`${source}/A/mounted`, { recursive: true });
    mkdirSync(`${other.path}/B/deep`, { recursive: true });
    writeFileSync(`${one.path}/hidden`, '');
    writeFileSync(`${other.path}/B/deep/seen`, '');
    await execa('mount', ['--bind', one.path, `${source}/A/mounted`]);
    try {
      const roots = [...rootsIn(source, 'A'), ...rootsIn(other.path, 'B')];
      for (const isSlow of [false, true]) {
        const scanned = await scanTogether(roots, installed, { isSlow, filters: { oneFileSystem: true } });
        expect(linesOf(scanned)).toEqual([
          '["d",""]',
          '["d","B"]',
          '["d","B/deep"]',
          '["f","seen",0]',
          '["d","A"]',
          '["d","A/mounted"]',
        ]);
      }
    } finally {
      await execa('umount', [`${source}/A/mounted`]);
      await one.unmount();
      await other.unmount();
      remove();
    }
  });

  it('hold symlinks that are followed, and circles that are not', async () => {
    const { source, remove } = makeTwoTrees();
    mkdirSync(`${source}/A/sub`, { recursive: true });
    mkdirSync(`${source}/B`);
    writeFileSync(`${source}/B/b`, '');
    await execa('ln', ['-s', '..', `${source}/A/sub/up`]);
    await execa('ln', ['-s', '../../B', `${source}/A/sub/across`]);
    const scanned = await scanTogether(rootsIn(source, 'A'), installed, { followsSymlinks: true });
    expect(linesOf(scanned).sort()).toEqual(
      [
        '["d",""]',
        '["d","A"]',
        '["d","A/sub"]',
        '["d","A/sub/across"]',
        '["f","b",0]',
        '["x","up","ELOOP"]',
      ].sort(),
    );
    remove();
  });

  it('are no place for the destination', async () => {
    const { source, remove } = makeTwoTrees();
    mkdirSync(`${source}/A/dst`, { recursive: true });
    const { ino, dev } = statSync(`${source}/A/dst`);
    renameSync(`${source}/A/dst`, `${source}/A/moved`);
    const refuse = (path: string): never => {
      throw new Error(`refused ${path}`);
    };
    const device = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & ~0xff)}`;
    const forbidden = { identity: { device, inode: String(ino) }, refuse };
    const scanning = scanTogether(rootsIn(source, 'A'), installed, { forbidden });
    await expect(scanning).rejects.toThrow('refused A/moved');
    remove();
  });
});
