import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { listAttributes } from '../../../../core/storage/posix/extended-attributes.ts';
import { setAcl } from '../../../helpers/attributes.ts';
import { type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import { type LookRequest, lookAtTrees } from '../../../helpers/look-at-trees.ts';
import { lookEveryWay, lookWays } from '../../../helpers/look-every-way.ts';
import {
  change,
  copyFiles,
  filesIn,
  hasAcl,
  justNow,
  plainOf,
  remembersCopies,
  runsIn,
  withStorage,
} from '../../../helpers/plain-copies.ts';
import {
  filesGroup,
  groupFor,
  makeTwoTrees,
  scanned,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';
import { makeTree } from '../../../helpers/tree.ts';

const installed = inject('installed');

let trees: TwoTrees;
// Where all was skipped there are none
afterEach(() => trees?.remove());

const at = (name: string) => `${trees.destination}/${name}`;
const from = (name: string) => `${trees.source}/${name}`;
const both = () => ({ source: trees.source, destination: trees.destination });
const sorted = (names: readonly string[]) => [...names].sort();
const look = (request: Partial<LookRequest> = {}) =>
  lookEveryWay({ ...both(), installed, options: justNow(), ...request });

const kinds = [
  ['ext4', 'ext4', [], remembersCopies],
  ['xfs', 'xfs', [], remembersCopies],
  ['btrfs', 'btrfs', [], remembersCopies],
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
    const plainCopies = copyFiles(trees);
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
    const parts = withStorage(trees, (storage) =>
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
    const parts = withStorage(trees, (storage) =>
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
    const parts = withStorage(trees, (storage) =>
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
    const plainCopies = withStorage(trees, (storage) => {
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
    const names = listAttributes(fd, statSync(path).dev);
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
