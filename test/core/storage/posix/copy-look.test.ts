import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execa, execaSync } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { digestBytes } from '../../../../core/model/digest-set.ts';
import { setAcl, setAttribute } from '../../../helpers/attributes.ts';
import { fileSystems, type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import { type LookFound, type LookRequest, lookAtTrees } from '../../../helpers/look-at-trees.ts';
import type { LookWork } from '../../../helpers/look-child.ts';
import { buildChild, ordinaryUser } from '../../../helpers/storage-as-user.ts';
import { makeTwoTrees, type TwoTrees } from '../../../helpers/storage-trees.ts';
import { makeManyFiles, makeTree } from '../../../helpers/tree.ts';

const installed = inject('installed');
const isRoot = process.getuid?.() === 0;

let trees: TwoTrees;
afterEach(async () => {
  if (isRoot) await execa('chattr', ['-R', '-i', '-a', trees.top], { reject: false });
  await execa('rm', ['-rf', trees.top]);
});

const at = (name: string) => `${trees.destination}/${name}`;
const from = (name: string) => `${trees.source}/${name}`;

const ways: readonly NonNullable<LookRequest['ways']>[] = [
  { threads: 0 },
  { threads: 2, namesAtMost: 16 },
  { threads: 0, isSlow: true },
  { threads: 2, isSlow: true },
];

/** All ways find the same; what they find. */
async function look(request: Partial<LookRequest> = {}): Promise<LookFound> {
  const found: LookFound[] = [];
  for (const way of ways)
    found.push(await lookAtTrees({ ...both(), installed, ...request, ways: { ...request.ways, ...way } }));
  for (const [i, { same, left }] of found.entries())
    expect({ same, left }, JSON.stringify(ways[i])).toEqual({ same: found[0]!.same, left: found[0]!.left });
  return found[0]!;
}

/** Copies all, times and attributes too. */
const copyAll = () => execaSync('cp', ['-a', '--preserve=all', `${trees.source}/.`, trees.destination]);
const both = () => ({ source: trees.source, destination: trees.destination });
const sorted = (names: readonly string[]) => [...names].sort();
const digestsIn = ({ plain }: LookFound) => plain.length / digestBytes;

/** What is done to a file that was copied, so that it is the same no more, or not for sure */
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
    expect(sorted(same)).toEqual(sorted(untouched.flatMap((end) => [`a${end}`, `d/b${end}`])));
    expect(sorted(left)).toEqual(sorted(names));
  });

  test.runIf(knowsAttributes)('an attribute set, changed, or taken away later is found', async () => {
    const { plain: none } = await remembered(40);
    const tells = kind !== 'tmpfs';
    expect(none.length > 0).toBe(tells);
    expect((await look({ plain: none })).left).toEqual([]);
    setAttribute(at('d/7'), 'user.a', '1');
    setAttribute(from('d/8'), 'user.a', '1');
    setAcl(at('d/9'), '-m', 'u:1234:r');
    const found = await look({ plain: none });
    expect(sorted(found.left)).toEqual(['d/7', 'd/8', 'd/9']);
    // What has attributes is never remembered
    expect(sorted((await look({ plain: Buffer.concat([none, found.plain]) })).left)).toEqual([
      'd/7',
      'd/8',
      'd/9',
    ]);
    for (const name of [at('d/7'), from('d/8')]) execaSync('setfattr', ['-x', 'user.a', name]);
    setAcl(at('d/9'), '-b');
    expect((await look({ plain: none })).left).toEqual([]);
    setAttribute(at('d/7'), 'user.a', '1');
    expect((await look({ plain: Buffer.concat([none, found.plain]) })).left).toEqual(['d/7']);
  });
});

/** Makes and copies so many files, and looks at them once. */
async function remembered(files: number): Promise<LookFound> {
  await makeTree(trees.source, {
    d: Object.fromEntries(Array.from({ length: files }, (_, i) => [`${i}`, 'x'])),
  });
  copyAll();
  const found = await look();
  expect(found.left).toEqual([]);
  return found;
}

describe('what is remembered', () => {
  beforeEach(() => {
    trees = makeTwoTrees();
  });

  test('is nothing of what was changed too late to be sure of', async () => {
    await remembered(20);
    const changed = Math.floor(statSync(from('d/0')).ctimeMs / 1000);
    expect(digestsIn(await look({ options: { settledBefore: changed } }))).toBe(0);
    // A clock that was ahead: ctimes in the future
    expect(digestsIn(await look({ options: { settledBefore: 1000 } }))).toBe(0);
    expect(digestsIn(await look({ options: { settledBefore: changed + 60 } }))).toBeGreaterThan(0);
  });

  test('is known again every way, and goes on from one look to the next', async () => {
    const { plain } = await manyRemembered();
    const known = new Set(digestsOf(plain));
    for (const way of ways) {
      const again = await lookAtTrees({ ...both(), installed, ways: way, plain });
      // Where a stretch ends a group may be in two pieces
      expect(digestsOf(again.plain).filter((digest) => known.has(digest)).length).toBeGreaterThan(4);
    }
  });

  test('of one directory is mostly known where a name has come to it', async () => {
    const { plain } = await manyRemembered();
    writeFileSync(from('d/new'), 'x');
    const known = new Set(digestsOf(plain));
    const after = digestsOf((await lookAtTrees({ ...both(), plain })).plain);
    expect(after.length).toBeGreaterThan(4);
    expect(after.filter((digest) => !known.has(digest)).length).toBeLessThanOrEqual(after.length / 3);
  });

  /** In one directory, so many that there are some groups. */
  async function manyRemembered(): Promise<LookFound> {
    mkdirSync(from('d'));
    for (let i = 0; i < 2500; i++) writeFileSync(from(`d/${i}`), 'x');
    copyAll();
    const found = await lookAtTrees(both());
    expect(found.left).toEqual([]);
    return found;
  }

  test('may be anything: it is believed only of these very files', async () => {
    await remembered(20);
    setAttribute(at('d/3'), 'user.a', '1');
    for (const plain of [Buffer.alloc(16_000), Buffer.alloc(16_000, 0xff), Buffer.from('short')])
      expect((await look({ plain })).left).toEqual(['d/3']);
  });

  test('says nothing of a file that has taken the place, and the inode number, of another', async () => {
    const { plain } = await remembered(20);
    for (let i = 0; i < 20; i++) {
      execaSync('sh', ['-c', 'rm "$0" && cp --preserve=timestamps "$1" "$0"', at(`d/${i}`), from(`d/${i}`)]);
      setAttribute(at(`d/${i}`), 'user.a', '1');
    }
    expect((await look({ plain })).same).toEqual([]);
  });
});

const digestsOf = (plain: Uint8Array) =>
  Array.from({ length: plain.length / digestBytes }, (_, i) =>
    Buffer.from(plain.subarray(i * digestBytes, (i + 1) * digestBytes)).toString('hex'),
  );

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

describe('system calls', () => {
  beforeEach(({ skip }) => {
    if (execaSync('strace', ['-c', '-f', 'true'], { reject: false }).failed)
      skip('strace is not installed here, or may not trace');
    trees = makeTwoTrees();
    chmodSync(trees.top, 0o755);
  });
  const listxattrat = 465;
  const refusals = [
    ['ENOSYS', 38],
    ['EPERM', 1],
  ] as const;
  const asking = ['llistxattr', 'listxattrat', 'syscall_0x1d1'];

  /** How often each side is looked at, and asked, for each file, by a look at 100 and one at 300 files. */
  async function callsPerFile(
    way: NonNullable<LookRequest['ways']>,
    isKnown: boolean,
    refused?: LookWork['refused'],
  ) {
    const program = await buildChild<LookWork, LookFound>('look-child');
    const counts: { asked: number; looked: number }[] = [];
    try {
      for (const files of [100, 300]) {
        const of = (side: string) => `${trees.top}/${files}/${side}`;
        for (const side of ['source', 'destination']) mkdirSync(of(side), { recursive: true });
        for (let i = 0; i < files; i++) writeFileSync(`${of('source')}/${i}`, 'x');
        execaSync('cp', ['-a', `${of('source')}/.`, of('destination')]);
        execaSync('chown', ['-R', `${ordinaryUser}:${ordinaryUser}`, `${trees.top}/${files}`]);
        const request = { source: of('source'), destination: of('destination'), ways: way };
        const { plain } = await program.run({ request });
        const log = `${trees.top}/calls`;
        const work = {
          request: { ...request, ...(isKnown ? { plain } : {}) },
          ...(refused ? { refused } : {}),
        };
        const { same } = await program.run(work, ['strace', '-f', '-qq', '-o', log]);
        expect(same).toHaveLength(files);
        counts.push(countsIn(readFileSync(log, 'utf8')));
      }
    } finally {
      program.remove();
    }
    const each = (name: 'asked' | 'looked') => Math.round((counts[1]![name] - counts[0]![name]) / 20) / 10;
    return { asked: each('asked'), looked: each('looked') };
  }

  function countsIn(log: string): { asked: number; looked: number } {
    const names = [...log.matchAll(/^\d+ +(\w+)\(/gm)].map(([, name]) => name!);
    const asked = names.filter((name) => asking.includes(name)).length;
    return { asked, looked: names.filter((name) => name === 'statx').length };
  }

  test.each([
    ['one call after the other', { threads: 0 }],
    ['many at once', { threads: 0, isSlow: true }],
  ])('are two for each file, and two more where nothing is remembered: %s', async (_, way) => {
    expect(await callsPerFile(way, false)).toEqual({ asked: 2, looked: 2 });
    expect(await callsPerFile(way, true)).toEqual({ asked: 0, looked: 2 });
  });

  test.each(refusals)(
    'are as many where the kernel has no call to list attributes in an open directory: %s',
    async (_, errno) => {
      const refused = [listxattrat, errno] as const;
      expect(await callsPerFile({ threads: 0 }, false, refused)).toEqual({ asked: 2, looked: 2 });
    },
  );

  test.each(refusals)('find attributes in such a kernel too: %s', async (_, errno) => {
    await makeTree(trees.source, {
      plain: 'x',
      ['n'.repeat(255)]: 'x',
      d: { ['ü'.repeat(127)]: 'x', other: 'x' },
    });
    copyAll();
    setAttribute(at('n'.repeat(255)), 'user.a', 'b');
    setAttribute(from(`d/${'ü'.repeat(127)}`), 'user.a', 'b');
    execaSync('chown', ['-R', `${ordinaryUser}:${ordinaryUser}`, trees.top]);
    const program = await buildChild<LookWork, LookFound>('look-child');
    const { same } = await program.run({ request: both(), refused: [listxattrat, errno] });
    program.remove();
    expect(sorted(same)).toEqual(['d/other', 'plain']);
  });
});
