import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import { setAttribute } from '../../../helpers/attributes.ts';
import {
  filesGroup,
  makeTwoTrees,
  requestFor,
  sumOf,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';

const MiB = 2 ** 20;
let trees: TwoTrees;
let mounted: string[] = [];
beforeEach(() => {
  trees = makeTwoTrees();
});
afterEach(async () => {
  // Lazily: a test that failed has left the destination open
  for (const path of mounted) await execa('umount', ['-l', path]);
  mounted = [];
  trees.remove();
});

/** Mounts a small file system at the destination, or says why that cannot be. */
const fileSystems: Record<string, () => Promise<string | undefined>> = {
  tmpfs: () => mount(['-t', 'tmpfs', '-o', `size=${8 * MiB}`, 'none', trees.destination]),
  'tmpfs without inodes': () => mount(['-t', 'tmpfs', '-o', 'nr_inodes=8', 'none', trees.destination]),
  ext4: async () => {
    const image = `${trees.top}/image`;
    const made = await execa('mkfs.ext4', ['-q', '-m', '0', image, '8M'], { reject: false });
    return made.failed ? 'mkfs.ext4 is not installed here' : mount(['-o', 'loop', image, trees.destination]);
  },
};

async function mount(args: string[]): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root may mount a small file system';
  const done = await execa('mount', args, { reject: false });
  if (done.failed) return `this machine does not let root mount: ${done.stderr}`;
  mounted.push(trees.destination);
  return undefined;
}

describe.each(Object.entries(fileSystems))('a full %s', (_, mountIt) => {
  test('ends the group, and leaves nothing torn', async ({ skip }) => {
    const missing = await mountIt();
    if (missing !== undefined) skip(missing);
    const content = Buffer.alloc(MiB, 'content ');
    const names = Array.from({ length: 16 }, (_, i) => `f${i}`);
    for (const name of names) writeFileSync(`${trees.source}/${name}`, content);
    const storage = new PosixStorage(requestFor(trees));
    const group = storage.copyGroup(filesGroup(names, MiB));
    expect(group.hopeless).toBe('ENOSPC');
    expect(group.outcomes.map(({ outcome, cause }) => [outcome, cause])).toEqual([['failed', 'ENOSPC']]);
    const { entries: copied } = sumOf(group, 'copied');
    expect(copied).toBeGreaterThan(0);
    expect(group.outcomes[0]!.ordinal).toBe(copied);
    await storage.sync();
    storage.close();
    const arrived = readdirSync(trees.destination).filter((name) => name !== 'lost+found');
    expect(arrived.sort()).toEqual(names.slice(0, copied).sort());
    for (const name of arrived)
      expect(content.equals(readFileSync(`${trees.destination}/${name}`))).toBe(true);
  });
});

/** Takes all that is left, with an open end. */
function fillUp(file: string): void {
  for (const size of [2 ** 16, 1024]) {
    const piece = Buffer.alloc(size, 'full');
    try {
      while (true) appendFileSync(file, piece);
    } catch {}
  }
}

test('an attribute that finds no room is no attribute that is too long: the file fails', async ({ skip }) => {
  const missing = await fileSystems.ext4!();
  if (missing !== undefined) skip(missing);
  for (const name of ['a', 'b']) {
    writeFileSync(`${trees.source}/${name}`, '');
    setAttribute(`${trees.source}/${name}`, 'user.note', 'x'.repeat(name === 'a' ? 500 : 3000));
  }
  const storage = new PosixStorage(requestFor(trees));
  // Its blocks have 1 KiB
  const long = storage.copyGroup(filesGroup(['b']));
  expect([long.outcomes, long.notes]).toEqual([[], new Map([['xattr not kept', 1]])]);
  fillUp(`${trees.destination}/filler`);
  const { hopeless, outcomes, notes } = storage.copyGroup(filesGroup(['a']));
  storage.close();
  expect({ hopeless, notes }).toEqual({ hopeless: 'ENOSPC', notes: new Map() });
  expect(outcomes).toMatchObject([{ path: 'a', cause: 'ENOSPC', action: 'set extended attribute' }]);
  expect(readdirSync(trees.destination).sort()).toEqual(['b', 'filler', 'lost+found']);
});

test('a read-only destination is hopeless', async ({ skip }) => {
  const missing = await mount(['-t', 'tmpfs', '-o', 'ro', 'none', trees.destination]);
  if (missing !== undefined) skip(missing);
  for (const name of ['a', 'b']) writeFileSync(`${trees.source}/${name}`, 'x');
  mkdirSync(`${trees.source}/d`);
  const storage = new PosixStorage(requestFor(trees));
  const group = storage.copyGroup(filesGroup(['a', 'b'], 1));
  expect(group).toMatchObject({ hopeless: 'EROFS', outcomes: [{ path: 'a', cause: 'EROFS' }], ranges: [] });
  expect(storage.completeDirectory(3, 'd')).toMatchObject({ outcome: { outcome: 'failed', cause: 'EROFS' } });
  storage.close();
});
