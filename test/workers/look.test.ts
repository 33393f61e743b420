import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execaSync } from 'execa';
import { afterAll, afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { PosixStorageRequest } from '../../core/storage/posix/posix-storage.ts';
import { PosixStorage } from '../../core/storage/posix/posix-storage.ts';
import type { LookOutcome } from '../../core/storage/storage.ts';
import { type Engine, startEngine } from '../../workers/engine.ts';
import { groupOfOne } from '../../workers/groups.ts';
import { setAcl, setAttribute } from '../helpers/attributes.ts';
import { randomNumbers } from '../helpers/random.ts';
import { scanTogether } from '../helpers/scan-tapes.ts';
import { groupFor, makeTwoTrees, requestFor, scanned, type TwoTrees } from '../helpers/storage-trees.ts';

const seed = Number(process.env.LOOK_SEED ?? Math.floor(Math.random() * 1e6));
const isRoot = process.getuid?.() === 0;
const program = pathToFileURL(join(inject('installed'), 'dist/js/workers/main.js'));
const scratch = mkdtempSync(join(tmpdir(), 'bcopy-look-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let trees: TwoTrees;
let engine: Engine | undefined;
beforeEach(() => {
  trees = makeTwoTrees();
});
afterEach(async () => {
  await engine?.close();
  trees.remove();
});

const src = (path: string) => join(trees.source, path);
const dst = (path: string) => join(trees.destination, path);

/** Fills the source with files that differ in nothing, and copies it. */
function fill(...names: string[]): void {
  for (const name of names) writeFileSync(src(name), name);
  execaSync('cp', ['-a', `${trees.source}/.`, trees.destination]);
}

type Change = (path: string) => void;

/** All ways in which one side can come to differ, by a name for each. */
function waysOf(at: (name: string) => string): ReadonlyMap<string, Change> {
  const instead = (make: Change): Change => {
    return (path) => {
      unlinkSync(path);
      make(path);
    };
  };
  const ways: Record<string, Change> = {
    size: (path) => writeFileSync(path, 'of another length'),
    time: (path) => lutimesSync(path, 1, 2),
    nanosecond: (path) => void execaSync('touch', ['-d', '@1.000000001', path]),
    mode: (path) => chmodSync(path, 0o600),
    attribute: (path) => setAttribute(path, 'user.a', 'x'),
    acl: (path) => setAcl(path, '-m', 'u:1234:r'),
    gone: instead(() => undefined),
    symlink: instead((path) => symlinkSync(at('elsewhere'), path)),
    directory: instead((path) => mkdirSync(path)),
  };
  const ofRoot: Record<string, Change> = {
    owner: (path) => chownSync(path, 12, 0),
    group: (path) => chownSync(path, 0, 12),
    trusted: (path) => setAttribute(path, 'trusted.a', 'x'),
    capability: (path) => void execaSync('setcap', ['cap_net_raw+ep', path]),
    setuid: (path) => chmodSync(path, 0o4755),
    flag: (path) => void execaSync('chattr', ['+a', path]),
  };
  return new Map(Object.entries({ ...ways, ...(isRoot ? ofRoot : {}) }));
}

/** Scans the source as for a second run, and looks at all of it with threads as a worker has them. */
async function look(
  more: Partial<PosixStorageRequest> = {},
  before: () => void = () => undefined,
): Promise<LookOutcome & { readonly leftNames: readonly string[] }> {
  const { tape } = await scanTogether(trees.source, inject('installed'), { takesStamps: true });
  before();
  const file = join(scratch, 'tape');
  writeFileSync(file, tape, 'latin1');
  const [offset, count] = [tape.indexOf('\n') + 1, tape.split('\n').length - 3];
  const request = requestFor(trees, more);
  engine = startEngine({ first: 2, most: 2 }, new PosixStorage(request), request, program);
  const fd = openSync(file, 'r');
  try {
    const outcome = await engine.look!({
      tape: fd,
      from: 0,
      to: count,
      ordinal: 0,
      offset,
      directory: offset,
    });
    const lines = tape.split('\n');
    return {
      ...outcome,
      leftNames: outcome.left.map((ordinal) => JSON.parse(lines[ordinal + 1]!)[1]).sort(),
    };
  } finally {
    closeSync(fd);
  }
}

describe('what the scan saw of files', () => {
  test('tells all that are the same, by two ranges where one is left between them', async () => {
    fill('a', 'b', 'c', 'd');
    writeFileSync(dst('b'), 'other');
    const { ranges, left, leftNames } = await look();
    expect(leftNames).toEqual(['b']);
    const done = ranges.map(({ from, to }) => to - from).reduce((sum, entries) => sum + entries, 0);
    expect(done + left.length).toBe(5);
    expect(ranges.map(({ skipped }) => skipped.bytes).reduce((sum, bytes) => sum + bytes, 0)).toBe(3);
    for (const { copied, linked } of ranges) expect([copied.entries, linked.entries]).toEqual([0, 0]);
  });

  test.each([
    ['destination', dst],
    ['source', src],
  ])('leave what differs, whatever the %s has', async (side, at) => {
    const ways = waysOf(at);
    fill('same', ...ways.keys());
    for (const [name, change] of ways) change(at(name));
    try {
      const { leftNames } = await look();
      // What is gone from the source is not on the tape, and a flag of the destination is nobody's affair
      const isLeft = (name: string) =>
        side === 'source' ? name !== 'gone' && name !== 'directory' : name !== 'flag';
      expect(leftNames).toEqual([...ways.keys()].filter(isLeft).sort());
    } finally {
      if (isRoot) execaSync('chattr', ['-a', at('flag')]);
    }
  });

  test('leave both with setuid, and both with the same attribute', async () => {
    for (const name of ['a', 'b', 'c']) writeFileSync(src(name), name);
    chmodSync(src('a'), 0o4755);
    setAttribute(src('b'), 'user.a', 'x');
    execaSync('cp', ['-a', `${trees.source}/.`, trees.destination]);
    expect((await look()).leftNames).toEqual(['a', 'b']);
  });

  test('leave what is gone from the source, and what got an attribute since the scan', async () => {
    fill('a', 'b', 'c');
    const { leftNames } = await look({}, () => {
      unlinkSync(src('a'));
      setAttribute(src('b'), 'user.a', 'x');
    });
    expect(leftNames).toEqual(['a', 'b']);
  });

  test('leave everything where the source is another directory than was scanned', async () => {
    fill('a', 'b');
    expect((await look({ sourceInode: '1' })).leftNames).toEqual(['a', 'b']);
  });

  test('leave symlinks and special files, and pass over directories and further names', async () => {
    mkdirSync(src('d'));
    symlinkSync('a', src('s'));
    execaSync('mkfifo', [src('p')]);
    fill('a', 'd/b');
    linkSync(src('a'), src('d/l'));
    linkSync(dst('a'), dst('d/l'));
    const { leftNames, ranges } = await look();
    expect(leftNames).toEqual(['p', 's']);
    expect(ranges.map(({ skipped }) => skipped.entries).reduce((sum, entries) => sum + entries, 0)).toBe(2);
  });

  test.each([
    ['checksum', { by: 'checksum' } as const],
    ['tail', { by: 'tail' } as const],
    ['--ignore-existing', { ignoreExisting: true }],
  ])('tell nothing with %s', async (_, rule) => {
    fill('a', 'b');
    const compare = {
      by: 'mtime',
      windowSeconds: 0,
      tailBytes: 10,
      update: false,
      ignoreExisting: false,
      existing: false,
      ...rule,
    } as const;
    expect((await look({ compare })).leftNames).toEqual(['a', 'b']);
  });

  test('need not be kept to be the same', async () => {
    fill('a', 'b', 'c', 'd');
    chmodSync(dst('a'), 0o600);
    setAttribute(dst('b'), 'user.a', 'x');
    const fidelity = { keep: ['times'], require: [], symlinks: 'copy' } as const;
    expect((await look({ fidelity })).leftNames).toEqual([]);
  });
});

test(`nothing is found the same that would have been copied or mended (LOOK_SEED=${seed})`, async () => {
  const random = randomNumbers(seed);
  const names = Array.from(
    { length: 300 },
    (_, i) => `${i % 7 === 0 ? 'd/' : ''}${'é"\\ xyz'[random(7)]}${i}`,
  );
  mkdirSync(src('d'));
  fill(...names);
  for (const name of names.filter(() => random(3) === 0)) {
    const at = random(2) === 0 ? src : dst;
    // A directory is no entry of its group, and a flag would stay behind
    const ways = [...waysOf(at)].filter(([way]) => way !== 'directory' && way !== 'flag');
    ways[random(ways.length)]![1](at(name));
  }
  const { ranges, left } = await look();
  const entries = scanned(trees.source);
  const group = groupFor(entries);
  const storage = new PosixStorage(requestFor(trees));
  const isDone = (ordinal: number) => ranges.some(({ from, to }) => from <= ordinal && ordinal < to);
  let same = 0;
  for (const { ordinal, entry } of entries) {
    expect(isDone(ordinal), `entry ${ordinal}`).toBe(!left.includes(ordinal));
    if (entry.kind !== 'file' || !isDone(ordinal)) continue;
    const { notes, outcomes, ranges: done } = storage.copyGroup(groupOfOne(group, ordinal));
    expect([outcomes, [...notes], done[0]?.copied.entries], JSON.stringify(entry)).toEqual([[], [], 0]);
    same++;
  }
  storage.close();
  expect(same).toBeGreaterThan(100);
});
