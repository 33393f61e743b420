import { chmodSync, chownSync, linkSync, mkdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { execa, execaSync } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { setAcl, setAttribute } from '../../../helpers/attributes.ts';
import { fileSystems, type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import type { LookFound, LookRequest } from '../../../helpers/look-at-trees.ts';
import type { LookWork } from '../../../helpers/look-child.ts';
import { lookEveryWay } from '../../../helpers/look-every-way.ts';
import { buildChild, ordinaryUser } from '../../../helpers/storage-as-user.ts';
import { makeTwoTrees, type TwoTrees } from '../../../helpers/storage-trees.ts';
import { makeManyFiles, makeTree } from '../../../helpers/tree.ts';

const installed = inject('installed');
const isRoot = process.getuid?.() === 0;

let trees: TwoTrees;
afterEach(async () => {
  // Where all was skipped there are none
  if (!trees) return;
  if (isRoot) await execa('chattr', ['-R', '-i', '-a', trees.top], { reject: false });
  await execa('rm', ['-rf', trees.top]);
});

const at = (name: string) => `${trees.destination}/${name}`;
const from = (name: string) => `${trees.source}/${name}`;

const look = (request: Partial<LookRequest> = {}) => lookEveryWay({ ...both(), installed, ...request });
/** Copies all, times and attributes too. */
const copyAll = () => execaSync('cp', ['-a', '--preserve=all', `${trees.source}/.`, trees.destination]);
const both = () => ({ source: trees.source, destination: trees.destination });
const sorted = (names: readonly string[]) => [...names].sort();

/** What is done to a file that was copied, so that it is the same no more, or not for sure. */
const changes: Readonly<Record<string, (name: string) => void>> = {
  missing: (name) => execaSync('rm', [at(name)]),
  longer: (name) => {
    truncateSync(at(name), 100);
    execaSync('touch', ['-r', from(name), at(name)]);
  },
  later: (name) => utimesSync(at(name), 0, 2_000_000_000),
  'later by a nanosecond': (name) => execaSync('touch', ['-d', '@1000000000.000000001', at(name)]),
  'another mode': (name) => chmodSync(at(name), 0o600),
  'another mode at the source': (name) => chmodSync(from(name), 0o600),
  'set-id at both sides': (name) => [at, from].forEach((side) => void chmodSync(side(name), 0o4755)),
  'a directory in its place': (name) => execaSync('sh', ['-c', 'rm "$0" && mkdir "$0"', at(name)]),
  'a symlink to the source in its place': (name) => execaSync('ln', ['-sf', from(name), at(name)]),
  'a FIFO in its place': (name) => execaSync('sh', ['-c', 'rm "$0" && mkfifo "$0"', at(name)]),
  'an attribute at both sides': (name) =>
    [at, from].forEach((side) => void setAttribute(side(name), 'user.a', 'b')),
  'an attribute at the source': (name) => setAttribute(from(name), 'user.a', 'b'),
  'an attribute at the destination': (name) => setAttribute(at(name), 'user.a', 'b'),
  'an ACL at the source': (name) => setAcl(from(name), '-m', 'u:1234:r'),
  'an ACL at the destination': (name) => setAcl(at(name), '-m', 'u:1234:r'),
  'attributes of many names': (name) => {
    for (let i = 0; i < 4; i++) setAttribute(from(name), `user.${String(i).repeat(200)}`, '');
  },
};
const rootChanges: typeof changes = {
  'another owner': (name) => chownSync(at(name), 1234, -1),
  'another group': (name) => chownSync(at(name), -1, 1234),
  'a trusted attribute': (name) => setAttribute(at(name), 'trusted.a', 'b'),
  'a capability as attribute': (name) =>
    setAttribute(from(name), 'security.capability', '0x0100000200200000000000000000000000000000'),
  'immutable at the source': (name) => execaSync('chattr', ['+i', from(name)]),
  'append-only at the source': (name) => execaSync('chattr', ['+a', from(name)]),
};

describe.each(fileSystems)('on %s', (kind) => {
  let mounted: Mounted | string;
  const knowsAttributes = kind !== 'ramfs';
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

  test('a file is the same where nothing differs, and left where anything does', async () => {
    const all = { ...changes, ...rootChanges };
    const names = Object.keys(all).filter((name) => knowsAttributes || !/attribute|ACL|source$/.test(name));
    const untouched = ['', ' ', '"\n\\', '\udcff\udcfe', 'x'.repeat(240)];
    await makeTree(trees.source, {
      ...Object.fromEntries([...names, ...untouched.map((end) => `a${end}`)].map((name) => [name, 'x'])),
      d: Object.fromEntries(untouched.map((end) => [`b${end}`, 'x'])),
    });
    execaSync('find', [trees.source, '-type', 'f', '-exec', 'touch', '-d', '@1000000000', '{}', '+']);
    copyAll();
    for (const name of names) all[name]!(name);
    const { same, left } = await look();
    const still = names.filter((name) => name.endsWith('at both sides'));
    expect(sorted(same)).toEqual(sorted([...untouched.flatMap((end) => [`a${end}`, `d/b${end}`]), ...still]));
    expect(sorted(left)).toEqual(sorted(names.filter((name) => !still.includes(name))));
  });
});

describe('a look', () => {
  beforeEach(() => {
    trees = makeTwoTrees();
  });

  test('finds the same in many directories, in deep ones, and under all names of a file', async () => {
    makeManyFiles(from('many'), { files: 1500, directories: 60, bytes: 1 });
    mkdirSync(from('e/'.repeat(60)), { recursive: true });
    for (let depth = 1; depth <= 60; depth++) {
      writeFileSync(from(`${'e/'.repeat(depth)}file`), 'x');
      linkSync(from(`${'e/'.repeat(depth)}file`), from(`${'e/'.repeat(depth - 1)}name${depth}`));
    }
    copyAll();
    const { same, left } = await look();
    expect(left).toEqual([]);
    expect(same).toHaveLength(1500 + 120);
    execaSync('rm', ['-r', trees.destination]);
    mkdirSync(trees.destination);
    expect((await look()).same).toEqual([]);
  });

  test('asks for no mode, owner or attributes that are not to be kept, but for the attributes of the source', async () => {
    await makeTree(trees.source, { mode: 'x', there: 'x', here: 'x' });
    copyAll();
    chmodSync(at('mode'), 0o600);
    setAttribute(at('there'), 'user.a', 'b');
    setAttribute(from('here'), 'user.a', 'b');
    const options = { keepsMode: false, keepsOwner: false, keepsAttributes: false };
    expect(sorted((await look({ options })).same)).toEqual(['mode', 'there']);
    expect((await look()).same).toEqual([]);
  });

  test('follows no symlink in place of a directory, and goes on beside what is not there', async () => {
    const files = { a: 'x', b: 'x' };
    await makeTree(trees.source, { gone: files, file: files, led: files, kept: files });
    copyAll();
    execaSync('sh', [
      '-c',
      'cd "$0" && rm -r gone file && touch file && mv led ../led && ln -s ../led led',
      trees.destination,
    ]);
    expect(sorted((await look()).same)).toEqual(['kept/a', 'kept/b']);
  });

  test('finds nothing the same in the source itself, or where a file of another file system lies', async ({
    skip,
  }) => {
    if (!isRoot) skip('needs root');
    await makeTree(trees.source, { a: 'x', d: { b: 'x' }, e: { c: 'x', f: 'x' } });
    copyAll();
    const mounted = [at('d'), at('e/c')];
    execaSync('mount', ['--bind', from('d'), at('d')]);
    execaSync('mount', ['--bind', '/proc/version', at('e/c')]);
    try {
      expect(sorted((await look()).same)).toEqual(['a', 'e/f']);
    } finally {
      for (const path of mounted) execaSync('umount', [path]);
    }
  });

  test('keeps to the filters, and to the names of several sources', async () => {
    await makeTree(trees.source, { a: 'x', b: 'x' });
    await makeTree(at('one'), {});
    execaSync('cp', ['-a', `${trees.source}/.`, at('one')]);
    writeFileSync(at('single'), 'x');
    execaSync('touch', ['-r', from('a'), at('single')]);
    const roots = [
      { name: 'one', path: trees.source, inode: '' },
      { name: 'single', path: from('a'), inode: '' },
    ];
    const rules = [{ kind: 'exclude' as const, pattern: 'b' }];
    const { same, left } = await look({ source: roots, ways: { filters: { rules } } });
    // What is a source by itself is the workers'
    expect({ same, left }).toEqual({ same: ['one/a'], left: ['single'] });
  });
});

describe('as an ordinary user', () => {
  beforeEach(({ skip }) => {
    if (!isRoot) skip('needs root');
    trees = makeTwoTrees();
    chmodSync(trees.top, 0o755);
  });

  test('what he cannot keep is left, what is closed to him too, and root does not believe what he has found', async () => {
    await makeTree(trees.source, {
      own: 'x',
      foreign: 'x',
      group: 'x',
      t: { trusted: 'x', other: 'x' },
      d: { a: 'x' },
      e: { a: 'x' },
    });
    copyAll();
    for (const side of [from, at]) {
      execaSync('chown', ['-R', `${ordinaryUser}:${ordinaryUser}`, side('')]);
      chownSync(side('foreign'), 1234, ordinaryUser);
      chownSync(side('group'), ordinaryUser, 1234);
      chownSync(side('e'), 0, 0);
    }
    setAttribute(from('t/trusted'), 'trusted.a', 'b');
    // To look at names no permission to read is needed
    chmodSync(at('d'), 0o111);
    chmodSync(at('e'), 0o700);
    const program = await buildChild<LookWork, LookFound>('look-child');
    try {
      const { same, plain } = await program.run({ request: both() });
      expect(sorted(same)).toEqual(['d/a', 'own', 't/other', 't/trusted']);
      expect(plain.length).toBeGreaterThan(0);
      expect((await look({ plain })).left).toEqual(['t/trusted']);
    } finally {
      program.remove();
    }
  });
});
