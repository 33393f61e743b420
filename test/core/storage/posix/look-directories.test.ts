import { chmodSync, chownSync, lchownSync, lutimesSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { execa, execaSync } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { setAcl, setAttribute } from '../../../helpers/attributes.ts';
import { fileSystems, type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import { type LookFound, type LookRequest, lookAtTrees } from '../../../helpers/look-at-trees.ts';
import type { LookWork } from '../../../helpers/look-child.ts';
import { lookEveryWay } from '../../../helpers/look-every-way.ts';
import { buildChild, ordinaryUser } from '../../../helpers/storage-as-user.ts';
import { makeTwoTrees, type TwoTrees } from '../../../helpers/storage-trees.ts';
import { makeManyFiles, makeTree, symlinkTo } from '../../../helpers/tree.ts';

const installed = inject('installed');
const isRoot = process.getuid?.() === 0;

let trees: TwoTrees;
const mounts: string[] = [];
afterEach(async () => {
  for (const path of mounts.splice(0).reverse()) await execa('umount', [path]);
  if (!trees) return;
  if (isRoot) await execa('chattr', ['-R', '-i', '-a', trees.top], { reject: false });
  await execa('rm', ['-rf', trees.top]);
});

const at = (name: string) => `${trees.destination}/${name}`;
const from = (name: string) => `${trees.source}/${name}`;
const both = () => ({ source: trees.source, destination: trees.destination });
const look = (request: Partial<LookRequest> = {}) => lookEveryWay({ ...both(), installed, ...request });

const time = 1_000_000_000;
/** All is made at the same time, to the nanosecond. */
const settle = () =>
  execaSync('find', [trees.source, trees.destination, '-exec', 'touch', '-hd', `@${time}`, '{}', '+']);
const copyAll = () => {
  settle();
  execaSync('cp', ['-a', '--preserve=all', `${trees.source}/.`, trees.destination]);
};
const mount = (...words: string[]) => {
  execaSync('mount', words);
  mounts.push(words.at(-1)!);
};

type Change = (name: string) => void;
type Changes = Readonly<Record<string, Change>>;
const sides = [at, from];
const bothSides = (change: Change) => (name: string) => sides.forEach((side) => void change(side(name)));
const capability = '0x0100000200200000000000000000000000000000';

/** After these a directory, or a file, is the same still. */
const alike: Changes = {
  untouched: () => undefined,
  '"\\\n ü': () => undefined,
  'set-id at both sides': bothSides((path) => chmodSync(path, 0o6755)),
  'sticky at both sides': bothSides((path) => chmodSync(path, 0o1777)),
  'an attribute at both sides': bothSides((path) => setAttribute(path, 'user.a', 'b')),
  'attributes set in another order': (name) => {
    for (const attribute of ['user.b', 'user.a', 'user.c']) setAttribute(at(name), attribute, attribute);
    for (const attribute of ['user.c', 'user.b', 'user.a']) setAttribute(from(name), attribute, attribute);
  },
  'an empty attribute at both sides': bothSides((path) => setAttribute(path, 'user.a', '')),
  'a large attribute at both sides': bothSides((path) => setAttribute(path, 'user.a', 'b'.repeat(2000))),
  'an ACL at both sides': bothSides((path) => setAcl(path, '-m', 'u:1234:rwx')),
};
/** After these it is not, or that is not known for sure. */
const unlike: Changes = {
  missing: (name) => rmSync(at(name), { recursive: true }),
  later: (name) => lutimesSync(at(name), time, time + 1),
  'later by a nanosecond': (name) => execaSync('touch', ['-d', `@${time}.000000001`, at(name)]),
  'earlier at the source': (name) => lutimesSync(from(name), time, time - 1),
  'another mode': (name) => chmodSync(at(name), 0o700),
  'another mode at the source': (name) => chmodSync(from(name), 0o4755),
  'a symlink in its place': (name) => {
    rmSync(at(name), { recursive: true });
    symlinkSync(from(name), at(name));
    lutimesSync(at(name), time, time);
  },
  'a FIFO in its place': (name) => {
    rmSync(at(name), { recursive: true });
    execaSync('mkfifo', [at(name)]);
  },
  'an attribute at the source': (name) => setAttribute(from(name), 'user.a', 'b'),
  'an attribute at the destination': (name) => setAttribute(at(name), 'user.a', 'b'),
  'another value': (name) => sides.forEach((side, i) => void setAttribute(side(name), 'user.a', `${i}`)),
  'a longer value': (name) =>
    sides.forEach((side, i) => void setAttribute(side(name), 'user.a', 'x'.repeat(i + 1))),
  'an empty value': (name) =>
    sides.forEach((side, i) => void setAttribute(side(name), 'user.a', 'x'.repeat(i))),
  'another name': (name) => sides.forEach((side, i) => void setAttribute(side(name), `user.${i}`, 'x')),
  'one attribute more': (name) => {
    bothSides((path) => setAttribute(path, 'user.a', 'b'))(name);
    setAttribute(at(name), 'user.b', 'b');
  },
  'one attribute fewer': (name) => {
    bothSides((path) => setAttribute(path, 'user.b', 'b'))(name);
    setAttribute(from(name), 'user.a', 'b');
  },
  'another ACL': (name) => sides.forEach((side, i) => void setAcl(side(name), '-m', `u:123${i}:rwx`)),
  // The mode has the mask in the place of the group
  'an ACL at the destination': (name) => setAcl(at(name), '-m', 'u:1234:r-x'),
  'an ACL at the source': (name) => setAcl(from(name), '-m', 'u:1234:r-x'),
};
const rootAlike: Changes = {
  'another owner at both sides': bothSides((path) => chownSync(path, 1234, 4321)),
  'a trusted attribute at both sides': bothSides((path) => setAttribute(path, 'trusted.a', 'b')),
};
const rootUnlike: Changes = {
  'another owner': (name) => chownSync(at(name), 1234, -1),
  'another group': (name) => chownSync(at(name), -1, 1234),
  'a trusted attribute': (name) => setAttribute(at(name), 'trusted.a', 'b'),
  'another trusted attribute': (name) =>
    sides.forEach((side, i) => void setAttribute(side(name), 'trusted.a', `${i}`)),
};
/** Not every file system has such marks. */
const flags: Changes = {
  'immutable at the source': (name) => execaSync('chattr', ['+i', from(name)]),
  'append-only at both sides': bothSides((path) => execaSync('chattr', ['+a', path])),
};
const filesAlike: Changes = {
  'a capability at both sides': bothSides((path) => setAttribute(path, 'security.capability', capability)),
};
const filesUnlike: Changes = {
  'a capability at the source': (name) => setAttribute(from(name), 'security.capability', capability),
};
const directoriesAlike: Changes = {
  'a default ACL at both sides': bothSides((path) => setAcl(path, '-d', '-m', 'u:1234:rwx')),
};
const directoriesUnlike: Changes = {
  'a default ACL at the destination': (name) => setAcl(at(name), '-d', '-m', 'u:1234:rwx'),
  'a default ACL at the source': (name) => setAcl(from(name), '-d', '-m', 'u:1234:rwx'),
  'another default ACL': (name) =>
    sides.forEach((side, i) => void setAcl(side(name), '-d', '-m', `u:123${i}:rwx`)),
  'a default ACL where the other has one of its own': (name) => {
    setAcl(at(name), '-m', 'u:1234:rwx');
    setAcl(from(name), '-d', '-m', 'u:1234:rwx');
  },
};
const symlinksAlike: Changes = {
  untouched: () => undefined,
  dangling: () => undefined,
  long: () => undefined,
};
const symlinksUnlike: Changes = {
  missing: (name) => rmSync(at(name)),
  later: (name) => lutimesSync(at(name), time, time + 1),
  'later by a nanosecond': (name) => execaSync('touch', ['-hd', `@${time}.000000001`, at(name)]),
  'another target of the same length': (name) => lead(at(name), 'tarGet'),
  'a longer target': (name) => lead(at(name), 'target2'),
  'a shorter target at the source': (name) => lead(from(name), 'targe'),
  'a file in its place': (name) => execaSync('sh', ['-c', 'rm "$0" && printf target > "$0"', at(name)]),
  'a directory in its place': (name) => execaSync('sh', ['-c', 'rm "$0" && mkdir "$0"', at(name)]),
};
const rootSymlinksAlike: Changes = {
  'another owner at both sides': bothSides((path) => lchownSync(path, 1234, 4321)),
  'a trusted attribute at both sides': bothSides((path) => setAttribute(path, 'trusted.a', 'b')),
};
const rootSymlinksUnlike: Changes = {
  'another owner': (name) => lchownSync(at(name), 1234, 0),
  'a trusted attribute': (name) => setAttribute(at(name), 'trusted.a', 'b'),
  'a trusted attribute at the source': (name) => setAttribute(from(name), 'trusted.a', 'b'),
};

function lead(path: string, target: string): void {
  rmSync(path);
  symlinkSync(target, path);
  lutimesSync(path, time, time);
}

/** Paths that are made by `make`, copied, and changed as their names say; what the look has to find the same, and what not. */
function changed(kind: 'd' | 'f' | 's', same: Changes, other: Changes): { same: string[]; left: string[] } {
  for (const [name, change] of [...Object.entries(same), ...Object.entries(other)]) change(`${kind}/${name}`);
  const under = (changes: Changes) => Object.keys(changes).map((name) => `${kind}/${name}`);
  return { same: under(same).sort(), left: under(other).sort() };
}

const sorted = ({ same, left }: { same: readonly string[]; left: readonly string[] }, kind: string) => ({
  same: same.filter((path) => path.startsWith(`${kind}/`)).sort(),
  left: left.filter((path) => path.startsWith(`${kind}/`)).sort(),
});

describe.each(fileSystems)('on %s', (kind) => {
  let mounted: Mounted | string;
  const knowsAttributes = kind !== 'ramfs';
  const knowsFlags = kind === 'ext4' || kind === 'xfs' || kind === 'btrfs';
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

  const possible = (changes: Changes): Changes =>
    Object.fromEntries(
      Object.entries(changes).filter(
        ([name]) => knowsAttributes || !/attribute|ACL|value|another name|capability/.test(name),
      ),
    );

  test('directories, files and symlinks are the same where nothing differs, and left where anything does', async () => {
    const common = {
      same: possible({ ...alike, ...rootAlike }),
      left: possible({ ...unlike, ...rootUnlike, ...(knowsFlags ? flags : {}) }),
    };
    const directories = [
      { ...common.same, ...possible(directoriesAlike) },
      { ...common.left, ...possible(directoriesUnlike) },
    ] as const;
    const files = [
      { ...common.same, ...possible(filesAlike) },
      { ...common.left, ...possible(filesUnlike) },
    ] as const;
    const symlinks = [
      { ...symlinksAlike, ...possible(rootSymlinksAlike) },
      { ...symlinksUnlike, ...possible(rootSymlinksUnlike) },
    ] as const;
    const named = <T>(changes: readonly Changes[], node: (name: string) => T) =>
      Object.fromEntries(changes.flatMap((some) => Object.keys(some).map((name) => [name, node(name)])));
    const targets: Record<string, string> = { dangling: 'no/where', long: 'x/'.repeat(500) };
    await makeTree(trees.source, {
      d: named(directories, () => ({})),
      f: named(files, () => 'target'),
      s: named(symlinks, (name) => symlinkTo(targets[name] ?? 'target')),
    });
    copyAll();
    const expected = {
      d: changed('d', ...directories),
      f: changed('f', ...files),
      s: changed('s', ...symlinks),
    };
    const { directories: d, symlinks: s, ...f } = await look();
    expect({ d: sorted(d, 'd'), f: sorted(f, 'f'), s: sorted(s, 's') }).toEqual(expected);
  });
});

describe('a look at directories and symlinks', () => {
  beforeEach(() => {
    trees = makeTwoTrees();
  });

  test('finds all of them the same, at the top, deep down, and in directories of many names', async () => {
    makeManyFiles(from('many'), { files: 300, directories: 300, bytes: 1 });
    for (let i = 0; i < 300; i++) symlinkSync(`../d${i}`, from(`many/d${i}/s`));
    mkdirSync(from('e/'.repeat(60)), { recursive: true });
    setAcl(from('many'), '-R', '-d', '-m', 'u:1234:rwx');
    copyAll();
    const { directories, symlinks, left } = await look();
    expect([directories.left, symlinks.left, left]).toEqual([[], [], []]);
    expect(directories.same).toHaveLength(1 + 301 + 60);
    expect(directories.same).toContain('');
    expect(symlinks.same).toHaveLength(300);
  });

  test('goes by what is to be kept', async ({ skip }) => {
    if (!isRoot) skip('needs root');
    const nodes = { mode: {}, owner: {}, there: {}, here: {}, alike: {}, plain: {}, 'set-id': {} };
    const symlink = symlinkTo('target');
    await makeTree(trees.source, { ...nodes, s: symlink, t: symlink });
    copyAll();
    chmodSync(at('mode'), 0o700);
    for (const path of ['owner', 's']) lchownSync(at(path), 1234, 1234);
    setAttribute(at('there'), 'user.a', 'b');
    setAttribute(from('here'), 'user.a', 'b');
    for (const side of sides) setAcl(side('alike'), '-m', 'u:1234:rwx');
    for (const side of sides) chmodSync(side('set-id'), 0o2755);
    const same = async (options: NonNullable<LookRequest['options']>) => {
      const { directories, symlinks } = await look({ options });
      return [...directories.same, ...symlinks.same].filter((path) => path !== '').sort();
    };
    expect(await same({})).toEqual(['alike', 'plain', 'set-id', 't']);
    expect(await same({ keepsMode: false })).toEqual(['t']);
    expect(await same({ keepsOwner: false })).toEqual(['alike', 'owner', 'plain', 's', 't']);
    expect(await same({ keepsSymlinks: false })).toEqual(['alike', 'plain', 'set-id']);
    // Of what a copy does not keep of the source it has to tell
    expect(await same({ keepsAllAttributes: false })).toEqual(['plain', 'set-id', 't']);
    const none = { keepsAttributes: false, keepsAllAttributes: false };
    expect(await same(none)).toEqual(['plain', 'set-id', 't', 'there']);
  });

  test('takes what is mounted for the directory that it is, but the source for no copy of itself', async ({
    skip,
  }) => {
    if (!isRoot) skip('needs root');
    await makeTree(trees.source, { here: {}, there: {}, both: {}, itself: { a: {} }, other: {} });
    copyAll();
    for (const path of [from('here'), at('there'), from('both'), at('both')])
      mount('-t', 'tmpfs', '-o', 'mode=755', 'none', path);
    mount('--bind', from('itself'), at('itself'));
    settle();
    const found = (await look()).directories;
    expect([...found.same].sort()).toEqual(['', 'both', 'here', 'other', 'there']);
    expect([...found.left].sort()).toEqual(['itself', 'itself/a']);
    const own = (await look({ ways: { filters: { rules: [], oneFileSystem: true } } })).directories;
    expect([...own.same].sort()).toEqual(['', 'other', 'there']);
    expect([...own.left].sort()).toEqual(['both', 'here', 'itself', 'itself/a']);
  });

  test('leaves those below what is no directory at the destination, and follows nothing there', async () => {
    await makeTree(trees.source, {
      gone: { d: {} },
      file: { d: {} },
      led: { d: { s: symlinkTo('x') } },
      kept: { d: {} },
    });
    copyAll();
    const script = 'cd "$0" && rm -r gone file && touch file && mv led ../led && ln -s ../led led';
    execaSync('sh', ['-c', script, trees.destination]);
    const { directories, symlinks } = await look();
    expect([...directories.same].sort()).toEqual(['kept', 'kept/d']);
    expect(symlinks.same).toEqual([]);
  });

  test('ends where it is told to, at any moment, with nothing left behind', async () => {
    makeManyFiles(from(''), { files: 400, directories: 200, bytes: 1 });
    for (let i = 0; i < 200; i++) symlinkSync('target', from(`d${i}/s`));
    for (let i = 0; i < 20; i++) setAttribute(from(`d${i}/f${i}`), 'user.a', 'b');
    copyAll();
    const reason = new Error('enough');
    let ended = 0;
    for (let round = 0; round < 40; round++) {
      const stop = new AbortController();
      setTimeout(() => stop.abort(reason), round / 2);
      const ways = { threads: round % 2, isSlow: round % 4 > 0 };
      await lookAtTrees({ ...both(), installed, ways }, stop.signal).catch((error: unknown) => {
        expect(error).toBe(reason);
        ended++;
      });
    }
    expect(ended).toBeGreaterThan(5);
  });
});

describe('as an ordinary user', () => {
  beforeEach(({ skip }) => {
    if (!isRoot) skip('needs root');
    trees = makeTwoTrees();
    chmodSync(trees.top, 0o755);
  });

  test('what he cannot keep, or cannot read at both sides, is left', async () => {
    const names = [
      'own',
      'foreign',
      'group',
      'unreadable',
      'trusted',
      'capability',
      'set-id',
      'acl',
      'closed',
    ];
    const named = <T>(node: T) => Object.fromEntries(names.map((name) => [name, node]));
    await makeTree(trees.source, { d: named({}), f: named('x'), s: named(symlinkTo('target')) });
    copyAll();
    for (const side of sides) {
      execaSync('chown', ['-hR', `${ordinaryUser}:${ordinaryUser}`, side('')]);
      for (const kind of ['d', 'f', 's']) {
        lchownSync(side(`${kind}/foreign`), 1234, ordinaryUser);
        lchownSync(side(`${kind}/group`), ordinaryUser, 1234);
        setAttribute(side(`${kind}/trusted`), 'trusted.a', side('') === at('') ? '1' : '2');
      }
      for (const kind of ['d', 'f']) {
        setAcl(side(`${kind}/acl`), '-m', 'u:1234:rwx');
        chmodSync(side(`${kind}/set-id`), 0o2755);
      }
      setAttribute(side('f/unreadable'), 'user.a', 'b');
      chmodSync(side('f/unreadable'), 0o200);
      setAttribute(side('f/capability'), 'security.capability', capability);
    }
    chownSync(at('d/closed'), 0, 0);
    chmodSync(at('d/closed'), 0o700);
    const program = await buildChild<LookWork, LookFound>('look-child');
    try {
      for (const ways of [{}, { isSlow: true }]) {
        const { directories, symlinks, ...files } = await program.run({ request: { ...both(), ways } });
        const found = [directories, files, symlinks].map(({ left }) => [...left].sort());
        expect(found, JSON.stringify(ways)).toEqual([
          ['d/closed', 'd/foreign', 'd/group'],
          ['f/foreign', 'f/group', 'f/unreadable'],
          ['s/foreign', 's/group'],
        ]);
      }
    } finally {
      program.remove();
    }
  });
});
