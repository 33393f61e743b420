import { chmodSync, chownSync, linkSync, lstatSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { execaSync } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PosixStorage, type PosixStorageRequest } from '../../../../core/storage/posix/posix-storage.ts';
import { aclOf, differences, setAcl, setAttribute } from '../../../helpers/attributes.ts';
import { fileSystems, type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import {
  copyTree,
  makeTwoTrees,
  requestFor,
  scanned,
  sumOf,
  type TreeCopy,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';
import { makeTree, symlinkTo } from '../../../helpers/tree.ts';

const isRoot = process.getuid?.() === 0;
const mended = 'metadata mended';

let trees: TwoTrees;
afterEach(() => trees?.remove());

const at = (name: string) => `${trees.destination}/${name}`;
const from = (name: string) => `${trees.source}/${name}`;
/** Whose content was written since has another inode. */
const inodes = (...names: string[]) => names.map((name) => lstatSync(at(name)).ino);

type Second = TreeCopy & { readonly notes: Readonly<Record<string, number>> };

function run(more: Partial<PosixStorageRequest> = {}): Second {
  const storage = new PosixStorage(requestFor(trees, { begunAtMs: Date.now() + 60_000, ...more }));
  try {
    const copy = copyTree(storage, scanned(trees.source));
    const notes: Record<string, number> = {};
    for (const [note, count] of [...copy.group.notes, ...storage.takeNotes()])
      notes[note] = (notes[note] ?? 0) + count;
    return { ...copy, notes };
  } finally {
    storage.close();
  }
}

function expectMended(second: Second, entries: number): void {
  expect(second.outcomes).toEqual([]);
  expect(sumOf(second.group, 'copied').entries).toBe(0);
  expect(second.notes).toEqual(entries === 0 ? {} : { [mended]: entries });
}

/** One file of each kind of difference. */
const names = [
  'mode',
  'owner',
  'setuid',
  'acl',
  'noacl',
  'attribute',
  'another',
  'extra',
  'capability',
  'all',
];

async function fill(): Promise<void> {
  await makeTree(trees.source, {
    ...Object.fromEntries(names.map((name) => [name, 'the content'])),
    plain: 'x',
    symlink: symlinkTo('nowhere'),
    d: { f: 'x' },
  });
  execaSync('mkfifo', [from('fifo')]);
  run();
  expect(await differences(trees.source, trees.destination)).toBe('');
}

const capability = '0x0100000200200000000000000000000000000000';

/** Changes metadata at both sides, and no times but those of a directory, a symlink and a FIFO. */
function change(): void {
  chmodSync(from('mode'), 0o640);
  chownSync(from('owner'), 1234, 1235);
  chmodSync(from('setuid'), 0o4755);
  setAcl(from('acl'), '-m', 'u:1234:rwx');
  setAcl(at('noacl'), '-m', 'u:1234:rwx,g::-');
  setAttribute(from('attribute'), 'user.a', 'new');
  setAttribute(from('another'), 'user.a', 'this');
  setAttribute(at('another'), 'user.a', 'that');
  setAttribute(at('extra'), 'user.a', 'old');
  setAttribute(from('capability'), 'security.capability', capability);
  chownSync(from('all'), 1234, 1235);
  setAttribute(from('all'), 'security.capability', capability);
  setAttribute(at('all'), 'security.capability', capability);
  setAcl(from('all'), '-m', 'u:1234:r');
  chmodSync(from('all'), 0o2751);
  execaSync('chown', ['-h', '1234:1235', from('symlink'), from('fifo')]);
  execaSync('touch', ['-hd', '2001-01-01', at('symlink'), at('fifo'), at('d')]);
}

describe.each(fileSystems.filter((kind) => kind !== 'ramfs'))('a second run on %s', (kind) => {
  let mounted: Mounted | string;
  beforeAll(async () => {
    mounted = await mountNew(kind);
  });
  afterAll(async () => {
    if (typeof mounted !== 'string') await mounted.unmount();
  });
  beforeEach(({ skip }) => {
    if (typeof mounted === 'string') skip(mounted);
    trees = makeTwoTrees((mounted as Mounted).path);
  });

  test('copies nothing, and mends what differs of the metadata', async () => {
    await fill();
    const before = inodes(...names, 'symlink', 'fifo', 'd');
    expectMended(run(), 0);
    change();
    expectMended(run(), names.length + 3);
    expect(await differences(trees.source, trees.destination)).toBe('');
    expect(aclOf(at('noacl'))).toEqual(aclOf(from('noacl')));
    expect(statSync(at('all')).mode & 0o7777).toBe(0o2751);
    expect(inodes(...names, 'symlink', 'fifo', 'd')).toEqual(before);
    expectMended(run(), 0);
  });
});

describe('a second run', () => {
  beforeEach(({ skip }) => {
    if (!isRoot) skip('needs root');
    trees = makeTwoTrees();
  });

  const byDefault = {
    windowSeconds: 0,
    tailBytes: 4,
    update: false,
    ignoreExisting: false,
    existing: false,
  } as const;
  const by = (compare: Partial<NonNullable<PosixStorageRequest['compare']>>) => ({
    compare: { ...byDefault, by: 'mtime' as const, ...compare },
  });

  /** At the destination one file of each kind, all of 9 bytes and of the same time but `time`. */
  async function differ(): Promise<void> {
    const content = { same: 'a content', time: 'a content', head: 'A content', tail: 'a contenT' };
    await makeTree(trees.destination, content);
    await makeTree(trees.source, {
      same: 'a content',
      time: 'a content',
      head: 'a content',
      tail: 'a content',
    });
    for (const name of Object.keys(content)) {
      utimesSync(from(name), 1000, 2000);
      utimesSync(at(name), 1000, name === 'time' ? 2001 : 2000);
    }
    for (const top of [trees.source, trees.destination]) utimesSync(top, 1000, 2000);
  }

  /** Which of them are the source's afterwards. */
  const copied = (before: readonly number[]) =>
    inodes('same', 'time', 'head', 'tail').map((inode, i) => inode !== before[i]);

  test.each([
    [by({}), [false, true, false, false]],
    [by({ windowSeconds: 1 }), [false, false, false, false]],
    [by({ by: 'size' }), [false, false, false, false]],
    [by({ by: 'tail' }), [false, false, false, true]],
    [by({ by: 'tail', tailBytes: 100 }), [false, false, true, true]],
    [by({ by: 'checksum' }), [false, false, true, true]],
    [{ doubtsFiles: true }, [true, true, true, true]],
  ])('copies what is another by %j', async (more, expected) => {
    await differ();
    const before = inodes('same', 'time', 'head', 'tail');
    expect(run(more).outcomes).toEqual([]);
    expect(copied(before)).toEqual(expected);
    const isWindow = 'compare' in more && more.compare.windowSeconds > 0;
    expect(statSync(at('time')).mtimeMs).toBe(isWindow ? 2_001_000 : 2_000_000);
  });

  test('copies a file anew that has further names elsewhere, and leaves these as they are', async () => {
    await makeTree(trees.source, { a: 'x' });
    run();
    linkSync(at('a'), `${trees.top}/elsewhere`);
    expectMended(run(), 0);
    chmodSync(from('a'), 0o600);
    expect(sumOf(run().group, 'copied').entries).toBe(1);
    expect([statSync(at('a')).mode & 0o777, statSync(`${trees.top}/elsewhere`).mode & 0o777]).toEqual([
      0o600, 0o644,
    ]);
  });

  test('mends hard links through one of their names', async () => {
    await makeTree(trees.source, { a: 'x' });
    linkSync(from('a'), from('b'));
    run();
    const before = inodes('a', 'b');
    chmodSync(from('a'), 0o600);
    expectMended(run(), 1);
    expect(inodes('a', 'b')).toEqual(before);
    expect(statSync(at('b')).mode & 0o777).toBe(0o600);
  });

  /** `old` and `new` are there, of other content; `gone`, and what is in `deep`, is not; `way` is a file in place of a directory. */
  async function rules(): Promise<void> {
    const inSource = { old: 'ours', new: 'ours', gone: 'ours', deep: { f: 'ours' }, way: { f: 'ours' } };
    await makeTree(trees.source, inSource);
    linkSync(from('old'), from('z'));
    await makeTree(trees.destination, { old: 'theirs', new: 'theirs', way: 'theirs' });
    for (const name of ['old', 'new', 'gone', 'way']) utimesSync(from(name), 1000, 2000);
    utimesSync(at('old'), 1000, 1000);
    for (const name of ['new', 'way']) utimesSync(at(name), 1000, 3000);
  }

  const contents = () =>
    Object.fromEntries(
      ['old', 'z', 'new', 'gone', 'deep/f', 'way', 'way/f'].map((name) => {
        try {
          return [name, readFileSync(at(name), 'utf8')];
        } catch (error) {
          return [name, (error as NodeJS.ErrnoException).code];
        }
      }),
    );

  test.each([
    [
      by({ update: true }),
      {
        old: 'ours',
        z: 'ours',
        new: 'theirs',
        gone: 'ours',
        'deep/f': 'ours',
        way: 'theirs',
        'way/f': 'ENOTDIR',
      },
      { 'newer at the destination: left as it is': 1, 'at the destination already: left as it is': 2 },
    ],
    [
      by({ ignoreExisting: true }),
      {
        old: 'theirs',
        z: 'ours',
        new: 'theirs',
        gone: 'ours',
        'deep/f': 'ours',
        way: 'theirs',
        'way/f': 'ENOTDIR',
      },
      { 'at the destination already: left as it is': 4 },
    ],
    [
      by({ existing: true }),
      {
        old: 'ours',
        z: 'ENOENT',
        new: 'ours',
        gone: 'ENOENT',
        'deep/f': 'ENOENT',
        way: 'EISDIR',
        'way/f': 'ENOENT',
      },
      { 'not at the destination: left out': 5 },
    ],
  ])('keeps to %j', async (more, expected, notes) => {
    await rules();
    const { outcomes, notes: told } = run(more);
    expect(outcomes).toEqual([]);
    expect(contents()).toEqual(expected);
    expect(told).toMatchObject(notes);
  });

  test('makes no further name of what was left under the first', async () => {
    await rules();
    const storage = new PosixStorage(requestFor(trees, by({ ignoreExisting: true })));
    expect(storage.linkEntry({ ordinal: 5, path: 'z', firstPath: 'old' })).toEqual({ kind: 'copied' });
    storage.close();
    expect(contents()).toMatchObject({ old: 'theirs', z: 'ours' });
  });

  test('leaves a file that it may not mend, and says so', async () => {
    await makeTree(trees.source, { a: 'x' });
    run();
    chmodSync(from('a'), 0o600);
    execaSync('chattr', ['+i', at('a')]);
    try {
      expect(run().notes).toEqual({ 'metadata not mended: it belongs to somebody else': 1 });
    } finally {
      execaSync('chattr', ['-i', at('a')]);
    }
  });
});
