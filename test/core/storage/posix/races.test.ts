import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execaSync } from 'execa';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PlacedEntry } from '../../../../core/run/tape-reader.ts';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import type { Storage } from '../../../../core/storage/storage.ts';
import type { Attack } from '../../../helpers/attacker.ts';
import { differences, setAttribute } from '../../../helpers/attributes.ts';
import { buildChild } from '../../../helpers/storage-as-user.ts';
import {
  groupFor,
  makeTwoTrees,
  requestFor,
  scanned,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';

const seed = Number(process.env.ASTRAY_SEED ?? Date.now() % 1_000_000);
const rounds = 24;
const patience = { timeout: 60_000 };
const uid = process.getuid?.() ?? 0;
const directories = Array.from({ length: 4 }, (_, i) => `d${i}`);
const bigBytes = 3 * 2 ** 20;

const attacker = await buildChild<Attack, number>('attacker');
afterAll(() => attacker.remove());

let trees: TwoTrees;
let bait: string;
let stop: string;
let entries: PlacedEntry[];

beforeEach(() => {
  trees = makeTwoTrees();
  for (const name of directories) fillSource(`${trees.source}/${name}`);
  entries = scanned(trees.source);
  bait = `${trees.top}/bait`;
  stop = `${trees.top}/stop`;
  mkdirSync(`${trees.top}/aside`);
  mkdirSync(bait);
  for (const name of ['f0', 'f1', 'f2', 'f3', 'big', 'again']) makeBait(`${bait}/${name}`);
  execaSync('mkfifo', ['-m', '0600', `${bait}/pipe`]);
  symlinkSync('nowhere', `${bait}/symlink`);
  mkdirSync(`${bait}/inner`);
  chmodSync(bait, 0o700);
  utimesSync(bait, 1000, 1000);
});
afterEach(() => trees.remove());

function fillSource(directory: string): void {
  mkdirSync(`${directory}/inner`, { recursive: true });
  for (let i = 0; i < 4; i++) writeFileSync(`${directory}/f${i}`, `from the source ${i}`, { mode: 0o644 });
  writeFileSync(`${directory}/inner/f`, 'inner', { mode: 0o644 });
  writeFileSync(`${directory}/big`, Buffer.alloc(bigBytes, 'big'), { mode: 0o644 });
  linkSync(`${directory}/f0`, `${directory}/zagain`);
  symlinkSync('f1', `${directory}/symlink`);
  execaSync('mkfifo', ['-m', '0666', `${directory}/pipe`]);
  chmodSync(directory, 0o755);
}

function makeBait(path: string): void {
  writeFileSync(path, 'secret');
  setAttribute(path, 'user.mine', 'x');
  chmodSync(path, 0o600);
  utimesSync(path, 1000, 1000);
}

/** All that a write, a change of metadata or a further name would show in; ctime too. */
function lookAt(directory: string): string[] {
  const names = readdirSync(directory).sort();
  return [directory, ...names.map((name) => `${directory}/${name}`)].map((path) => {
    const { mode, uid: owner, gid, size, nlink, ino, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
    return [path, mode, owner, gid, size, nlink, ino, mtimeNs, ctimeNs].join(' ');
  });
}

/** All that workers and finish do, by one storage; whatever fails is an outcome. */
function copyAll(attempt: number): void {
  const range = { from: 0, to: entries.length };
  const writer = { run: 'r1', attempt, restart: 0, pid: 7 };
  const storage = new PosixStorage(requestFor(trees, { writer, cleanUp: range }));
  storage.copyGroup(
    groupFor(entries.filter(({ entry }) => entry.kind !== 'file' || entry.bytes !== bigBytes)),
  );
  for (const { ordinal, entry, path } of [...entries].reverse()) {
    if (entry.kind === 'file' && entry.bytes === bigBytes) copyInParts(storage, ordinal, path);
    if (entry.kind === 'link') storage.linkEntry({ ordinal, path, firstPath: entries[entry.first]!.path });
    if (entry.kind === 'directory') storage.removeLeftovers(path, range.from, range.to);
    if (entry.kind === 'directory') storage.completeDirectory(ordinal, path);
  }
  storage.close();
}

function copyInParts(storage: Storage, ordinal: number, path: string): void {
  const big = { ordinal, path, bytes: bigBytes };
  const parts = [0, 2 ** 20].map((from) =>
    storage.copyPart(from === 0 ? { ...big, from, to: 2 ** 20 } : { ...big, from }),
  );
  const [first, second] = parts.map((result) => ('part' in result ? result.part : undefined));
  if (first === undefined || second === undefined) return;
  if (first.temporary === second.temporary && first.version === second.version)
    storage.completeFile({ ...big, ...first });
}

/** Copies again and again while two attackers are at work. Returns how often they have swapped something. */
async function copyUnderAttack(kind: Attack['kind'], tree: string, check: () => void): Promise<number> {
  console.log(`ASTRAY_SEED=${seed}`);
  const attack = { kind, tree, aside: `${trees.top}/aside`, bait, stop };
  const halves = [directories.slice(0, 2), directories.slice(2)];
  const attacks = halves.map((victims, i) => attacker.run({ ...attack, victims, seed: seed + i }, [], uid));
  for (const i of halves.keys())
    await expect.poll(() => existsSync(`${stop}.${seed + i}`), patience).toBe(true);
  for (let round = 1; round <= rounds; round++) {
    copyAll(round);
    check();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  writeFileSync(stop, '');
  return (await Promise.all(attacks)).reduce((sum, swaps) => sum + swaps, 0);
}

const attacks: readonly Attack['kind'][] = ['exchange', 'dance', 'files'];

describe.each(attacks)('while symlinks are put into the destination (%s)', (kind) => {
  test('nothing outside is touched, and afterwards all can be copied', async () => {
    const before = lookAt(bait);
    const swaps = await copyUnderAttack(kind, trees.destination, () => expect(lookAt(bait)).toEqual(before));
    expect(swaps).toBeGreaterThan(rounds);
    copyAll(rounds + 1);
    // A part of a file that was complete meanwhile
    copyAll(rounds + 2);
    expect(await differences(trees.source, trees.destination)).toBe('');
    expect(lookAt(bait)).toEqual(before);
  });
});

describe.each(['exchange', 'dance'] as const)('while symlinks are put into the source (%s)', (kind) => {
  test('nothing that they lead to is copied', async () => {
    const check = () => {
      const found = execaSync('grep', ['-rl', 'secret', trees.destination], { reject: false });
      expect(found.stdout).toBe('');
    };
    const swaps = await copyUnderAttack(kind, trees.source, check);
    expect(swaps).toBeGreaterThan(rounds);
    expect(readFileSync(`${bait}/f0`, 'utf8')).toBe('secret');
  });
});
