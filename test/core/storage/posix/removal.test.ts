import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execa, execaSync } from 'execa';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Filters } from '../../../../core/model/filters.ts';
import type { Extra, Kept } from '../../../../core/model/removal.ts';
import { PosixExtras } from '../../../../core/storage/posix/extras.ts';
import { namesIn } from '../../../helpers/delete-fixture.ts';
import { fileSystems, type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import { type RemovalWork, removalRequest, removeFrom, undoIn } from '../../../helpers/removal-work.ts';
import { buildChild } from '../../../helpers/storage-as-user.ts';
import { makeTwoTrees, type TwoTrees } from '../../../helpers/storage-trees.ts';
import { makeTree, readTree, symlinkTo, type Tree } from '../../../helpers/tree.ts';

const isRoot = process.getuid?.() === 0;
const child = await buildChild<RemovalWork, (Extra | Kept)[] | undefined>('removal-child');
afterAll(() => child.remove());

let trees: TwoTrees;
beforeEach(() => {
  trees = makeTwoTrees();
});
afterEach(() => trees.remove());

const at = (path: string) => `${trees.destination}/${path}`;

describe('names to remove', () => {
  const candidates = (directory: string, filters: Filters = {}) => {
    const extras = new PosixExtras({ ...removalRequest(trees, 'trash'), filters, isSafe: () => false });
    try {
      return [...extras.candidates(directory)]
        .flat()
        .filter((candidate) => extras.isStillExtra(candidate))
        .map(({ path, kind }) => `${kind} ${path}`);
    } finally {
      extras.close();
    }
  };

  test('are those that the source does not have now', async () => {
    await makeTree(trees.source, { dir: { a: 'a' }, here: 'h' });
    await makeTree(trees.destination, { dir: { a: 'a', b: 'b', c: {} }, here: 'h', link: symlinkTo('/') });
    expect(candidates('').sort()).toEqual(['other link']);
    expect(candidates('dir').sort()).toEqual(['directory dir/c', 'other dir/b']);
  });

  test('are none in a directory that the source has lost', async () => {
    await makeTree(trees.destination, { dir: { a: 'a' } });
    expect(candidates('dir')).toEqual([]);
  });

  test.each<[string, Filters]>([
    ['ages', { newerMs: 1 }],
    ['sizes', { maxBytes: 1 }],
    ['file systems', { oneFileSystem: true }],
  ])('are none in an empty directory of the source when %s leave something out', async (_, filters) => {
    await makeTree(trees.source, { perhaps: {}, dir: { a: 'a' } });
    await makeTree(trees.destination, { perhaps: { old: 'o' }, dir: { a: 'a', old: 'o' } });
    expect(candidates('perhaps', filters)).toEqual([]);
    expect(candidates('dir', filters)).toEqual(['other dir/old']);
    expect(candidates('perhaps', { rules: [] })).toEqual(['other perhaps/old']);
  });

  test.runIf(isRoot)('are none on another file system that is left out', async () => {
    await makeTree(trees.source, { mount: {} });
    await makeTree(trees.destination, { mount: { a: 'a', old: 'o' } });
    await execa('mount', ['-t', 'tmpfs', 'none', `${trees.source}/mount`]);
    try {
      writeFileSync(`${trees.source}/mount/a`, 'a');
      expect(candidates('mount', { oneFileSystem: true })).toEqual([]);
      expect(candidates('mount', { newerMs: 1 })).toEqual(['other mount/old']);
    } finally {
      await execa('umount', [`${trees.source}/mount`]);
    }
  });

  test('are none where the source has a symlink in the place of a directory', async () => {
    mkdirSync(`${trees.source}/empty`);
    symlinkSync('empty', `${trees.source}/dir`);
    await makeTree(trees.destination, { dir: { a: 'a' } });
    expect(candidates('dir')).toEqual([]);
  });

  test('are all given when something is done elsewhere meanwhile', async () => {
    const wide = Object.fromEntries(Array.from({ length: 4000 }, (_, i) => [`name-${i}`, {}]));
    await makeTree(trees.destination, { wide, other: { deep: { x: 'x' } } });
    const isThere = (name: string) => name.endsWith('7');
    const some = Object.fromEntries(Object.entries(wide).filter(([name]) => isThere(name)));
    await makeTree(trees.source, { wide: some, other: { deep: {} } });
    const extras = new PosixExtras({ ...removalRequest(trees, 'trash'), isSafe: () => false });
    const found: string[] = [];
    let lists = 0;
    for (const list of extras.candidates('wide')) {
      lists++;
      found.push(...list.map(({ path }) => path));
      expect(extras.isStillExtra({ path: 'other/deep/x', kind: 'other' })).toBe(true);
      expect([...extras.extrasAt({ path: 'other', kind: 'directory' })]).toMatchObject([{ entries: 3 }]);
    }
    extras.close();
    expect(lists).toBeGreaterThan(1);
    expect(found.sort()).toEqual(
      Object.keys(wide)
        .filter((name) => !isThere(name))
        .map((name) => `wide/${name}`)
        .sort(),
    );
  });

  test('cannot be told when the source or the destination is not the directory of the plan', () => {
    for (const tree of ['source', 'destination'] as const) {
      const request = removalRequest(trees, 'trash');
      renameSync(trees[tree], `${trees.top}/away`);
      mkdirSync(trees[tree]);
      expect(() => new PosixExtras({ ...request, isSafe: () => false })).toThrow(
        tree === 'source' ? 'SOURCE_ROOT' : 'DESTINATION_ROOT',
      );
      execaSync('rm', ['-r', trees[tree]]);
      renameSync(`${trees.top}/away`, trees[tree]);
    }
  });

  test.runIf(isRoot)('are told to be unknown in a directory of the source that cannot be read', async () => {
    await makeTree(trees.source, { dir: {} });
    await makeTree(trees.destination, { dir: { a: 'a' } });
    chmodSync(`${trees.source}/dir`, 0o000);
    execaSync('chown', ['-R', '65534:65534', trees.top]);
    const removed = await child.run({ request: removalRequest(trees, 'trash'), paths: ['dir/a'] });
    expect(removed).toEqual([{ path: 'dir/a', cause: 'EACCES', action: 'open source directory' }]);
    expect(existsSync(at('dir/a'))).toBe(true);
  });
});

describe('a filter', () => {
  const isKept = (path: string) => path.endsWith('.keep');

  test.each(['trash', 'now'] as const)(
    'keeps what it excludes, with the directories on the way (%s)',
    async (to) => {
      await makeTree(trees.destination, {
        'old-dir': { a: 'a', 'b.keep': 'b', c: { d: 'd' }, e: { 'f.keep': 'f' } },
      });
      removeFrom(trees, to, ['old-dir'], isKept);
      expect(namesIn(at('old-dir'))).toEqual(['b.keep', 'e']);
      expect(namesIn(at('old-dir/e'))).toEqual(['f.keep']);
    },
  );
});

test.each(['trash', 'now'] as const)(
  'what somebody else has removed is gone, and nothing stays (%s)',
  async (to) => {
    await makeTree(trees.source, { dir: {} });
    await makeTree(trees.destination, { dir: { old: 'o' } });
    expect(removeFrom(trees, to, ['dir/gone', 'gone'])).toEqual([]);
    expect(removeFrom(trees, to, ['dir/old'])).toMatchObject([{ entries: 1 }]);
  },
);

describe('what is removed for good', () => {
  test('goes in any number and at any depth', async () => {
    await makeTree(trees.destination, {
      'old-dir': Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`d${i}`, {}])),
    });
    const deep = Array.from({ length: 400 }, () => 'deeper').join('/');
    execaSync('mkdir', ['-p', deep], { cwd: at('old-dir') });
    const [removed, ...more] = removeFrom(trees, 'now', ['old-dir']);
    expect(removed).toMatchObject({ path: 'old-dir', entries: 1901 });
    expect(more).toEqual([]);
    expect(namesIn(trees.destination)).toEqual([]);
  });
});

describe.runIf(isRoot)('another file system', () => {
  let mounted: Mounted | string;
  afterEach(async () => {
    if (typeof mounted !== 'string') await mounted.unmount();
  });

  test.each(['trash', 'now'] as const)(
    'in what is to go stays, and so do the directories above it (%s)',
    async (to) => {
      await makeTree(trees.destination, { 'old-dir': { a: 'a', sub: { mount: {}, b: 'b' } } });
      mounted = await mountNew('tmpfs');
      if (typeof mounted === 'string') throw new Error(mounted);
      writeFileSync(`${mounted.path}/precious`, 'p');
      await execa('mount', ['--bind', mounted.path, at('old-dir/sub/mount')]);
      try {
        const removed = removeFrom(trees, to, ['old-dir']);
        expect(removed).toContainEqual({ path: 'old-dir/sub/mount', cause: 'EXDEV', action: 'remove' });
        expect(namesIn(at('old-dir'))).toEqual(['sub']);
        expect(namesIn(at('old-dir/sub'))).toEqual(['mount']);
        expect(namesIn(mounted.path)).toEqual(['precious']);
      } finally {
        await execa('umount', [at('old-dir/sub/mount')]);
      }
    },
  );

  test('stays also when it is another place of the same', async () => {
    await makeTree(trees.destination, { 'old-dir': { mount: {} } });
    await makeTree(`${trees.top}/elsewhere`, { precious: 'p' });
    mounted = 'none';
    await execa('mount', ['--bind', `${trees.top}/elsewhere`, at('old-dir/mount')]);
    try {
      removeFrom(trees, 'now', ['old-dir']);
      expect(namesIn(`${trees.top}/elsewhere`)).toEqual(['precious']);
    } finally {
      await execa('umount', [at('old-dir/mount')]);
    }
  });

  test.each([
    ['trash', 'another'],
    ['now', 'another'],
    ['now', 'the same'],
  ] as const)('on a directory that both trees have keeps its files (%s, %s)', async (to, which) => {
    await makeTree(trees.source, { both: { sub: {} } });
    await makeTree(trees.destination, { both: {} });
    mounted = which === 'another' ? await mountNew('tmpfs') : 'none';
    const place = typeof mounted === 'string' ? `${trees.top}/elsewhere` : mounted.path;
    const precious = { old: 'p', sub: { old: 'p', 'old-dir': { deep: 'p' } } };
    await makeTree(place, precious);
    await execa('mount', ['--bind', place, at('both')]);
    try {
      const paths = ['both/old', 'both/sub/old', 'both/sub/old-dir'];
      const kept = paths.map((path) => ({ path, cause: 'EXDEV', action: 'remove' }));
      expect(removeFrom(trees, to, paths)).toEqual(kept);
      expect(await readTree(place, { attributes: false })).toEqual(precious);
    } finally {
      await execa('umount', [at('both')]);
    }
  });

  test.each(fileSystems)('such as %s takes a trash, and gives everything back', async (kind) => {
    mounted = await mountNew(kind);
    if (typeof mounted === 'string') throw new Error(mounted);
    const own = { source: trees.source, destination: mounted.path };
    await makeTree(`${mounted.path}/keep`, { 'old-dir': { a: 'a', sub: { b: 'b' } }, old: 'o' });
    mkdirSync(`${trees.source}/keep`);
    const before = await readTree(mounted.path);
    removeFrom(own, 'trash', ['keep/old-dir', 'keep/old']);
    expect(namesIn(`${mounted.path}/keep`)).toEqual([]);
    expect(undoIn(own)).toMatchObject({ names: 2, kept: [] });
    expect(await readTree(mounted.path)).toEqual(before);
  });
});

const traced = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;
if (!traced) console.log('skipped: a file system without RENAME_NOREPLACE: strace cannot trace here');

describe.runIf(isRoot && traced)('where no call promises that nothing is replaced, as on NFS', () => {
  const lacking = ['-e', 'trace=statx,renameat2', '-e', 'inject=renameat2:error=EINVAL'];
  const under = ['strace', '-f', '-qq', '-o', '/dev/null', ...lacking];
  /** What has the name `old` is not seen when it is looked at, as when a client remembers that there was none. */
  const unseen = [...under, '-P', 'old', '-e', 'inject=statx:error=ENOENT'];
  let request: ReturnType<typeof removalRequest>;
  beforeEach(async () => {
    await makeTree(trees.source, { dir: {} });
    await makeTree(trees.destination, { dir: { old: 'mine', more: 'm', 'sub-dir': { x: 'x' } } });
    execaSync('chown', ['-R', '65534:65534', trees.top]);
    request = removalRequest(trees, 'trash');
    const paths = ['dir/old', 'dir/more', 'dir/sub-dir'];
    expect(await child.run({ request, paths }, under)).toMatchObject([{}, {}, { entries: 2 }]);
    expect(namesIn(at('dir'))).toEqual([]);
  });

  test('undo brings everything back', async () => {
    expect(await child.run({ request }, under)).toEqual([]);
    expect(await readTree(at('dir'), { attributes: false })).toEqual({
      old: 'mine',
      more: 'm',
      'sub-dir': { x: 'x' },
    });
  });

  test('undo replaces no file that has come meanwhile', async () => {
    writeFileSync(at('dir/old'), 'theirs');
    expect(await child.run({ request }, unseen)).toEqual([
      { path: 'dir/old', cause: 'EEXIST', action: 'bring back' },
    ]);
    expect(readFileSync(at('dir/old'), 'utf8')).toBe('theirs');
    expect(readFileSync(at('.bcopy-trash/r1/dir/old'), 'utf8')).toBe('mine');
  });

  test('undo goes on where it was killed with a file in both places', async () => {
    linkSync(at('.bcopy-trash/r1/dir/more'), at('dir/more'));
    expect(await child.run({ request }, under)).toEqual([]);
    expect(namesIn(at('dir'))).toEqual(['more', 'old', 'sub-dir']);
    expect(existsSync(at('.bcopy-trash'))).toBe(false);
  });
});

describe.runIf(isRoot)('an ordinary user', () => {
  test.each(['trash', 'now'] as const)(
    'removes from his own directories that are closed to writing (%s)',
    async (to) => {
      await makeTree(trees.source, { closed: {} });
      await makeTree(trees.destination, { closed: { 'old-dir': { deep: { f: 'f' } }, old: 'o' } });
      execaSync('chown', ['-R', '65534:65534', trees.top]);
      for (const path of ['closed/old-dir/deep', 'closed/old-dir', 'closed']) chmodSync(at(path), 0o555);
      const before = await readTree(trees.destination);
      const request = removalRequest(trees, to);
      const removed = await child.run({ request, paths: ['closed/old-dir', 'closed/old'] });
      expect(removed).toMatchObject([{ entries: 3 }, { entries: 1 }]);
      expect(namesIn(at('closed'))).toEqual([]);
      if (to === 'now') return;
      expect(await child.run({ request })).toEqual([]);
      expect(await readTree(trees.destination)).toEqual(before);
    },
  );

  test('gets all back but what a closed directory keeps out, and that later', async () => {
    const dirs = (names: Tree): Tree => ({ a: names, b: names, c: names });
    await makeTree(trees.source, dirs({}));
    await makeTree(trees.destination, dirs({ old: 'o' }));
    execaSync('chown', ['-R', '65534:65534', trees.top]);
    const request = removalRequest(trees, 'trash');
    await child.run({ request, paths: ['a/old', 'b/old', 'c/old'] });
    chmodSync(at('b'), 0o000);
    const kept = await child.run({ request });
    expect(kept).toEqual([{ path: 'b', cause: 'EACCES', action: 'open destination directory' }]);
    expect([namesIn(at('a')), namesIn(at('c'))]).toEqual([['old'], ['old']]);
    chmodSync(at('b'), 0o755);
    expect(await child.run({ request })).toEqual([]);
    expect(namesIn(at('b'))).toEqual(['old']);
  });

  test('gets nothing out of a trash that somebody else has put there', async () => {
    await makeTree(trees.destination, { '.bcopy-trash': { r1: { evil: 'e' } } });
    execaSync('chown', ['-R', '65534:65534', at('.bcopy-trash')]);
    expect(() => undoIn(trees)).toThrow('use the trash of somebody else: EACCES');
    expect(namesIn(trees.destination)).toEqual(['.bcopy-trash']);
    execaSync('chown', ['0:0', at('.bcopy-trash')]);
    expect(() => undoIn(trees)).toThrow('use the trash of somebody else: EACCES');
    expect(namesIn(at('.bcopy-trash/r1'))).toEqual(['evil']);
  });

  test('leaves what belongs to others, and says so', async () => {
    await makeTree(trees.source, { theirs: {} });
    await makeTree(trees.destination, { theirs: { old: 'o' } });
    const request = removalRequest(trees, 'now');
    chmodSync(trees.top, 0o755);
    const removed = await child.run({ request, paths: ['theirs/old'] });
    expect(removed).toEqual([{ path: 'theirs/old', cause: 'EACCES', action: 'remove' }]);
    expect(existsSync(at('theirs/old'))).toBe(true);
  });
});
