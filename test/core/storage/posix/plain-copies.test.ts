import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { release } from 'node:os';
import { Worker } from 'node:worker_threads';
import { execaSync } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { runMark, wordsPerHeader } from '../../../../core/model/plain-runs.ts';
import * as native from '../../../../core/storage/posix/extended-attributes.ts';
import { me } from '../../../../core/storage/posix/ownership.ts';
import { PosixStorage, type PosixStorageRequest } from '../../../../core/storage/posix/posix-storage.ts';
import { isAtLeast } from '../../../../core/storage/posix/told-changes.ts';
import type { GroupOutcome } from '../../../../core/storage/storage.ts';
import { setAcl, setAttribute } from '../../../helpers/attributes.ts';
import { type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import { type LookFound, type LookRequest, lookAtTrees } from '../../../helpers/look-at-trees.ts';
import type { LookWork } from '../../../helpers/look-child.ts';
import { lookEveryWay, lookWays } from '../../../helpers/look-every-way.ts';
import { high, low, murmur } from '../../../helpers/murmur.ts';
import { buildChild, buildStorageProgram, ordinaryUser } from '../../../helpers/storage-as-user.ts';
import {
  filesGroup,
  groupFor,
  makeTwoTrees,
  requestFor,
  scanned,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';
import { makeTree } from '../../../helpers/tree.ts';

const installed = inject('installed');
/** Before, nothing is remembered of what was copied. */
const isRecent = isAtLeast(release(), 6, 13);

let trees: TwoTrees;
// Where all was skipped there are none
afterEach(() => trees?.remove());

const at = (name: string) => `${trees.destination}/${name}`;
const from = (name: string) => `${trees.source}/${name}`;
const both = () => ({ source: trees.source, destination: trees.destination });
const sorted = (names: readonly string[]) => [...names].sort();

/** Looks at once after the copy: nothing is old enough to be remembered but what was known. */
const justNow = () => ({ settledBefore: Math.floor(Date.now() / 1000) - 2 });
const look = (request: Partial<LookRequest> = {}) =>
  lookEveryWay({ ...both(), installed, options: justNow(), ...request });

const filesIn = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`, 'x']));

function withStorage<T>(work: (storage: PosixStorage) => T, more: Partial<PosixStorageRequest> = {}): T {
  const storage = new PosixStorage(requestFor(trees, more));
  try {
    return work(storage);
  } finally {
    storage.close();
  }
}

/** Copies all files; returns what is remembered of them. */
function copyAll(more: Partial<PosixStorageRequest> = {}): Uint8Array {
  return withStorage((storage) => plainOf(storage.copyGroup(groupFor(scanned(trees.source)))), more);
}

function plainOf({ plain, outcomes }: GroupOutcome): Uint8Array {
  expect(outcomes).toEqual([]);
  return plain ?? new Uint8Array();
}

/** How many files are remembered in each run. */
function runsIn(plain: Uint8Array): number[] {
  const words = new Uint32Array(plain.slice().buffer);
  const counts: number[] = [];
  for (let at = 0; at < words.length; at += wordsPerHeader + counts.at(-1)! * 2) {
    expect(words[at]).toBe(runMark);
    counts.push(words[at + 3]!);
  }
  return counts;
}

/** Sets an attribute, or an ACL, with no more than a few system calls. */
function change(path: string, kind: 'attribute' | 'ACL'): void {
  const fd = openSync(path, 'r');
  const [user, group, mask, other] = [0x02, 0x04, 0x10, 0x20];
  const acl = Buffer.alloc(4 + 5 * 8);
  acl.writeUInt32LE(2);
  for (const [i, [tag, rights, id]] of [
    [1, 6, -1],
    [user, 4, 1234],
    [group, 4, -1],
    [mask, 4, -1],
    [other, 4, -1],
  ].entries()) {
    acl.writeUInt16LE(tag!, 4 + i * 8);
    acl.writeUInt16LE(rights!, 6 + i * 8);
    acl.writeInt32LE(id!, 8 + i * 8);
  }
  const attribute =
    kind === 'ACL' ? { name: native.accessAcl, value: acl } : { name: 'user.a', value: Buffer.from('1') };
  try {
    expect(native.setAttribute(fd, attribute, 0)).toBe(true);
  } finally {
    closeSync(fd);
  }
}

const kinds = [
  ['ext4', 'ext4', [], isRecent],
  ['xfs', 'xfs', [], isRecent],
  ['btrfs', 'btrfs', [], isRecent],
  ['tmpfs', 'tmpfs', [], false],
  ['ext3', 'ext3', [], false],
  ['ext2', 'ext2', [], false],
  ['ext4 with whole seconds', 'ext4', ['-I', '128'], false],
] as const;

// All at once: what is known of a device holds as long as a process lives
const mounts = new Map<string, Mounted | string>();
beforeAll(async () => {
  for (const [name, kind, make] of kinds) mounts.set(name, await mountNew(kind, { make }));
});
afterAll(async () => {
  for (const mounted of mounts.values()) if (typeof mounted !== 'string') await mounted.unmount();
});

function makeTreesOn(name: string, skip: (why: string) => void): void {
  const mounted = mounts.get(name)!;
  if (typeof mounted === 'string') skip(mounted);
  else trees = makeTwoTrees(mounted.path);
}

describe.each(kinds)('copies on %s', (name, _kind, _make, remembers) => {
  beforeEach(({ skip }) => makeTreesOn(name, skip));

  test('are known at once to a look, every way, or not remembered', async () => {
    await makeTree(trees.source, { d: filesIn(60), e: filesIn(30), f: 'x' });
    const plainCopies = copyAll();
    expect(runsIn(plainCopies).sort()).toEqual(remembers ? [1, 30, 60] : []);
    for (const way of lookWays) {
      const request = { ...both(), installed, ways: way, options: justNow() };
      const known = await lookAtTrees({ ...request, plainCopies });
      expect(known.left).toEqual([]);
      // What has changed so late is only remembered where it is known all the same
      expect(known.plain.length > 0, JSON.stringify(way)).toBe(remembers);
      expect((await lookAtTrees(request)).plain).toHaveLength(0);
    }
  });

  test('that are changed as soon as they are there are found, and no others', async () => {
    const files = 300;
    for (let i = 0; i < files; i++) writeFileSync(from(`${i}`), 'x');
    const groups = Array.from({ length: files }, (_, i) => filesGroup([`${i}`], 1));
    const changes = [
      (i: number) => change(at(`${i}`), 'attribute'),
      (i: number) => change(from(`${i}`), 'attribute'),
      (i: number) => change(at(`${i}`), 'ACL'),
      (i: number) => change(from(`${i}`), 'ACL'),
      () => undefined,
    ];
    const parts = withStorage((storage) =>
      groups.map((group, i) => {
        const outcome = storage.copyGroup(group);
        changes[i % changes.length]!(i);
        return outcome;
      }),
    );
    const plainCopies = Buffer.concat(parts.map(plainOf));
    expect(runsIn(plainCopies)).toHaveLength(remembers ? files : 0);
    const changed = Array.from({ length: files }, (_, i) => `${i}`).filter((_, i) => i % 5 !== 4);
    expect(sorted((await look({ plainCopies })).left)).toEqual(sorted(changed));
  });
});

describe.each(kinds.filter(([, , , remembers]) => remembers))('copies on %s', (name) => {
  beforeEach(({ skip }) => makeTreesOn(name, skip));

  test('in whose place another file comes at once are not taken for it, whatever its inode', async () => {
    const files = 200;
    for (let i = 0; i < files; i++) writeFileSync(from(`${i}`), 'x');
    const time = new Date(1e12);
    for (let i = 0; i < files; i++) utimesSync(from(`${i}`), time, time);
    const groups = Array.from({ length: files }, (_, i) => filesGroup([`${i}`], 1));
    const parts = withStorage((storage) =>
      groups.map((group, i) => {
        const outcome = storage.copyGroup(group);
        const [path, isRename] = [at(`${i}`), i % 2 === 0];
        if (!isRename) unlinkSync(path);
        const made = isRename ? `${path}.new` : path;
        writeFileSync(made, 'x');
        change(made, 'attribute');
        utimesSync(made, time, time);
        if (isRename) renameSync(made, path);
        return outcome;
      }),
    );
    const plainCopies = Buffer.concat(parts.map(plainOf));
    expect((await look({ plainCopies })).same).toEqual([]);
  });

  test('are never taken for plain ones while somebody sets attributes at both sides all the time', async () => {
    const files = 1000;
    for (let i = 0; i < files; i++) writeFileSync(from(`${i}`), 'x');
    const mutator = await startMutator();
    const parts = withStorage((storage) =>
      Array.from({ length: files }, (_, i) => {
        mutator.follow(i);
        // What changes all the time is not copied
        return storage.copyGroup(filesGroup([`${i}`], 1)).plain ?? new Uint8Array();
      }),
    );
    await mutator.stop();
    const plainCopies = Buffer.concat(parts);
    const changed = Array.from({ length: files }, (_, i) => `${i}`).filter(isOther);
    const { same } = await look({ plainCopies });
    expect(same.filter((name) => changed.includes(name))).toEqual([]);
    // It was there in time, and not always
    expect(changed.length).toBeGreaterThan(20);
    expect(runsIn(plainCopies).length).toBeGreaterThan(20);
  });

  test('that get an ACL from a directory since it was looked at are not taken for plain ones', async () => {
    await makeTree(trees.source, { d: filesIn(20) });
    const [first, second] = [scanned(trees.source), scanned(trees.source)].map((entries, half) =>
      groupFor(entries.filter(({ entry }, i) => entry.kind === 'directory' || i % 2 === half)),
    );
    const plainCopies = withStorage((storage) => {
      const parts = [plainOf(storage.copyGroup(first!))];
      setAcl(at('d'), '-d', '-m', 'u:1234:r');
      parts.push(plainOf(storage.copyGroup(second!)));
      return Buffer.concat(parts);
    });
    const given = Array.from({ length: 20 }, (_, i) => `d/${i}`).filter((path) => hasAcl(at(path)));
    expect(given).toHaveLength(10);
    expect(sorted((await look({ plainCopies })).left)).toEqual(sorted(given));
  });
});

/** Whether a copy has not the attributes of its source. */
function isOther(name: string): boolean {
  const [one, other] = [from(name), at(name)].map((path) => {
    const fd = existsSync(path) ? openSync(path, 'r') : -1;
    if (fd < 0) return 'missing';
    const names = native.listAttributes(fd, statSync(path).dev);
    closeSync(fd);
    return names.join();
  });
  return one !== other;
}

type Mutator = { follow(file: number): void; stop(): Promise<unknown> };

/** A thread that sets an attribute of the file that is copied now, and takes it away, as fast as it can. */
async function startMutator(): Promise<Mutator> {
  const program = `const { parentPort, workerData } = require('node:worker_threads');
    const libc = require('koffi').load('libc.so.6');
    const set = libc.func('int setxattr(const char *, const char *, const char *, size_t, int)');
    const remove = libc.func('int removexattr(const char *, const char *)');
    const now = new Int32Array(workerData.now);
    parentPort.postMessage('ready');
    for (let i = 0; Atomics.load(now, 0) >= 0; i++) {
      const side = i % 1000 === 0 ? workerData.source : workerData.destination;
      const path = side + '/' + Atomics.load(now, 0);
      if (i % 3 === 0) remove(path, 'user.a');
      else set(path, 'user.a', '1', 1, 0);
    }`;
  const now = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(program, { eval: true, workerData: { ...both(), now: now.buffer } });
  await once(thread, 'message');
  return {
    follow: (file) => Atomics.store(now, 0, file),
    stop: () => {
      const ended = once(thread, 'exit');
      Atomics.store(now, 0, -1);
      return ended;
    },
  };
}

const hasAcl = (path: string) => execaSync('getfacl', ['-c', path]).stdout.includes('user:1234:');

describe('copies', () => {
  beforeEach(({ skip }) => {
    trees = makeTwoTrees();
    chmodSync(trees.top, 0o755);
    if (!isRecent) skip('nothing is remembered of copies before Linux 6.13');
  });

  test('are only remembered where neither side has attributes, whatever is to be kept', async () => {
    await makeTree(trees.source, { d: filesIn(30), acl: filesIn(5) });
    for (const name of ['d/3', 'd/4']) setAttribute(from(name), 'user.a', '1');
    for (const name of ['d/5', 'd/6']) setAcl(from(name), '-m', 'u:1234:r');
    mkdirSync(at('acl'));
    setAcl(at('acl'), '-d', '-m', 'u:1234:r');
    for (const keep of [
      ['mode', 'owner', 'times'],
      ['mode', 'times', 'xattr'],
      ['times', 'acl'],
    ] as const) {
      for (const name of ['d', 'acl/0', 'acl/1', 'acl/2', 'acl/3', 'acl/4'])
        execaSync('rm', ['-rf', at(name)]);
      const plainCopies = copyAll({ fidelity: { keep, require: [], symlinks: 'copy' } });
      expect(runsIn(plainCopies), keep.join()).toContain(26);
      const { left } = await look({
        plainCopies,
        options: { ...justNow(), keepsMode: false, keepsOwner: false },
      });
      // What was not to be kept is to be from now on
      const missing = keep.some((word) => word === 'xattr') ? [] : [3, 4];
      if (!keep.some((word) => word === 'acl')) missing.push(5, 6);
      const without = missing.map((i) => `d/${i}`);
      const given = Array.from({ length: 5 }, (_, i) => `acl/${i}`).filter((path) => hasAcl(at(path)));
      expect(left, keep.join()).toEqual(expect.arrayContaining([...without, ...given]));
      expect(sorted(left.filter((path) => path.startsWith('d/')))).toEqual(without);
    }
  });

  test('with attributes of their own are not remembered', async () => {
    await makeTree(trees.source, filesIn(10));
    for (let i = 0; i < 5; i++) setAttribute(from(`${i}`), 'user.a', '1');
    const plainCopies = copyAll();
    expect(runsIn(plainCopies)).toEqual([5]);
    expect((await look({ plainCopies })).left).toEqual([]);
    setAttribute(at('1'), 'user.a', '2');
    setAttribute(from('2'), 'user.b', '1');
    execaSync('setfattr', ['-x', 'user.a', at('3')]);
    expect(sorted((await look({ plainCopies })).left)).toEqual(['1', '2', '3']);
  });

  test('of files with several names are asked, and so is what gets another name later', async () => {
    await makeTree(trees.source, filesIn(10));
    linkSync(from('0'), `${trees.top}/further`);
    linkSync(from('1'), `${trees.top}/outside`);
    const plainCopies = copyAll();
    expect(runsIn(plainCopies)).toEqual([8]);
    for (const [name, side] of [
      ['2', from],
      ['3', at],
    ] as const) {
      linkSync(side(name), `${trees.top}/new-${name}`);
      setAttribute(`${trees.top}/new-${name}`, 'user.a', '1');
    }
    setAttribute(at('0'), 'user.a', '1');
    setAttribute(`${trees.top}/outside`, 'user.a', '1');
    // A name of a file that is known is not yet that file
    unlinkSync(at('4'));
    linkSync(at('5'), at('4'));
    setAttribute(at('5'), 'user.a', '1');
    expect(sorted((await look({ plainCopies })).left)).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  test('are not known any more when names were exchanged', async () => {
    await makeTree(trees.source, filesIn(6));
    const plainCopies = copyAll();
    const time = new Date(1e12);
    for (const side of [from, at]) for (let i = 0; i < 6; i++) utimesSync(side(`${i}`), time, time);
    setAttribute(at('1'), 'user.a', '1');
    for (const [old, name] of [
      ['0', 'x'],
      ['1', '0'],
      ['x', '1'],
    ] as const)
      renameSync(at(old), at(name));
    expect((await look({ plainCopies })).left).toEqual(['0']);
  });

  test('are believed of the copies of one user, with the same rights, only', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('only root can become another user, and lose rights');
    const [storage, looker] = [
      await buildStorageProgram(),
      await buildChild<LookWork, LookFound>('look-child'),
    ];
    const without = ['setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin'];
    const asked = async (under: readonly string[], uid: number, plainCopies: Uint8Array) => {
      const request = { ...both(), options: justNow(), plainCopies };
      return (await looker.run({ request }, under, uid)).plain.length > 0;
    };
    const users = [
      [[], 0],
      [without, 0],
      [[], ordinaryUser],
    ] as const;
    try {
      for (const [i, [under, uid]] of users.entries()) {
        trees.remove();
        trees = makeTwoTrees();
        chmodSync(trees.top, 0o755);
        await makeTree(trees.source, filesIn(20));
        setAttribute(from('3'), 'trusted.a', '1');
        execaSync('chown', ['-R', `${ordinaryUser}:${ordinaryUser}`, trees.top]);
        const calls = [['copyGroup', groupFor(scanned(trees.source))]] as const;
        const [outcome] = await storage.run({ request: requestFor(trees), calls }, under, uid);
        const plainCopies = plainOf(outcome as GroupOutcome);
        // Others do not see it
        expect(runsIn(plainCopies)).toEqual([i === 0 ? 19 : 20]);
        expect((await look({ plainCopies })).left).toEqual(i === 0 ? [] : ['3']);
        const answers: boolean[] = [];
        for (const [other, otherUid] of users) answers.push(await asked(other, otherUid, plainCopies));
        // Where all is known a group is
        expect(answers).toEqual(users.map((_, other) => other === i && i !== 0));
      }
    } finally {
      storage.remove();
      looker.remove();
    }
  });

  test('are not remembered where symlinks are followed', async () => {
    await makeTree(trees.source, filesIn(10));
    const fidelity = { keep: ['times', 'xattr'], require: [], symlinks: 'follow' } as const;
    expect(runsIn(copyAll({ fidelity }))).toEqual([]);
  });

  test('are remembered by digests that whoever knows the format can compute', async () => {
    await makeTree(trees.source, { d: filesIn(3) });
    const words = new Uint32Array(copyAll().slice().buffer);
    const [device, directory] = [
      (path: string) => statSync(path).dev,
      statSync(at('d'), { bigint: true }).ino,
    ];
    const pair = (value: bigint) => [Number(value & 0xffffffffn), Number(value >> 32n)];
    const changeOf = (path: string) => {
      const { ino, ctimeNs } = statSync(path, { bigint: true });
      return [...pair(ino), ...pair(ctimeNs / 1_000_000_000n), Number(ctimeNs % 1_000_000_000n)];
    };
    const place = [from('d'), at('d')].map((path) => packed(device(path)));
    const asker = [me.uid, Number(me.seesTrusted)];
    const expected = ['0', '1', '2'].map((name) => {
      const sides = [...changeOf(from(`d/${name}`)), ...changeOf(at(`d/${name}`))];
      const bytes = Buffer.from(Uint32Array.from([...place, ...asker, ...sides]).buffer);
      return [murmur(bytes, 0, low), murmur(bytes, 0, high)].join();
    });
    expect([...words.subarray(0, wordsPerHeader)]).toEqual([0x69616c70, ...pair(directory), 3]);
    const found = [0, 1, 2].map((i) => [...words.subarray(4 + 2 * i, 6 + 2 * i)].join());
    expect(sorted(found)).toEqual(sorted(expected));
  });

  /** As makedev(3) packs it, with 12 bits for the major number and 20 for the minor one. */
  const packed = (device: number) =>
    ((((device >> 8) & 0xfff) << 20) | (device & 0xff) | ((device >> 12) & 0xfff00)) >>> 0;

  test('may be anything: they are believed only of these very files', async () => {
    await makeTree(trees.source, filesIn(20));
    copyAll();
    setAttribute(at('3'), 'user.a', '1');
    for (const plainCopies of [Buffer.alloc(16_000), Buffer.alloc(16_000, 0xff), Buffer.from('short')])
      expect((await look({ plainCopies })).left).toEqual(['3']);
  });
});
