import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import type { Size } from './volume.ts';

export type Workload = {
  readonly name: string;
  readonly about: string;
  /** About what it takes on disk at this scale. */
  readonly size: (scale: number) => Size;
  readonly make: (path: string, scale: number) => void;
};

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

export const workloads: readonly Workload[] = [
  {
    name: 'SMALL',
    about: '100,000 files of 4 KiB in 100 directories',
    size: (scale) => ({ entries: 100_000 * scale + 101, bytes: 100_000 * scale * 4 * KiB }),
    make: makeSmall,
  },
  { name: 'TREE', about: 'a copy of /usr', size: sizeOfUsr, make: makeTreeCopy },
  {
    name: 'BIG',
    about: '4 files of 2 GiB',
    size: (scale) => ({ entries: 5, bytes: 8 * GiB * scale }),
    make: makeBig,
  },
  {
    name: 'MIX',
    about: '20,000 files, sizes lognormal (median 12 KiB, mean about 135 KiB)',
    size: (scale) => {
      const sizes = mixSizes(scale);
      return { entries: sizes.length + 201, bytes: sizes.reduce((sum, bytes) => sum + bytes + 4 * KiB, 0) };
    },
    make: makeMix,
  },
];

const noise = randomBytes(MiB);

function makeSmall(path: string, scale: number): void {
  makeSmallFiles(path, 100, Math.max(1, Math.round(1000 * scale)));
}

/** So many directories, each with so many files of 4 KiB. */
export function makeSmallFiles(path: string, directories: number, each: number): void {
  mkdirSync(path);
  for (let directory = 0; directory < directories; directory++) {
    mkdirSync(`${path}/directory-${directory}`);
    for (let file = 0; file < each; file++)
      makeFile(`${path}/directory-${directory}/result-${file}.dat`, 4 * KiB);
  }
}

function makeBig(path: string, scale: number): void {
  mkdirSync(path);
  for (let file = 0; file < 4; file++) makeFile(`${path}/big-${file}.dat`, Math.round(2 * GiB * scale));
}

function makeMix(path: string, scale: number): void {
  mkdirSync(path);
  const sizes = mixSizes(scale);
  for (let directory = 0; directory < 200; directory++) mkdirSync(`${path}/directory-${directory}`);
  for (const [file, bytes] of sizes.entries())
    makeFile(`${path}/directory-${file % 200}/result-${file}.dat`, bytes);
}

/** The same sizes each time: lognormal, sigma 2.2, at most 256 MiB. */
function mixSizes(scale: number): number[] {
  const random = seeded(20261120);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const count = Math.max(1, Math.round(20_000 * scale));
  return Array.from({ length: count }, () =>
    Math.min(256 * MiB, Math.round(12 * KiB * Math.exp(2.2 * normal()))),
  );
}

/** mulberry32: numbers in [0, 1) that a seed settles. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function makeFile(path: string, bytes: number): void {
  const file = openSync(path, 'wx', 0o644);
  for (let done = 0; done < bytes; ) done += writeSync(file, noise, 0, Math.min(noise.length, bytes - done));
  closeSync(file);
}

let usr: Size | undefined;

function sizeOfUsr(scale: number): Size {
  usr ??= {
    entries: Number(spawnSync('sh', ['-c', 'find /usr -xdev -printf x | wc -c']).stdout),
    bytes: KiB * Number.parseInt(spawnSync('du', ['-skx', '/usr']).stdout.toString(), 10),
  };
  return { entries: usr.entries * scale + 1000, bytes: usr.bytes * scale };
}

/** A smaller copy has every so manieth file, and no directory but theirs, so that sizes are as in the whole. */
function makeTreeCopy(path: string, scale: number): void {
  mkdirSync(path);
  const kinds = scale < 1 ? ['!', '-type', 'd'] : [];
  const listed = spawnSync('find', ['/usr', '-xdev', ...kinds, '-printf', '%P\\0'], {
    maxBuffer: GiB,
    encoding: 'latin1',
  });
  const names = listed.stdout.split('\0').filter(Boolean);
  const chosen = names.filter((_, i) => Math.floor((i + 1) * scale) > Math.floor(i * scale));
  const pack = 'tar -C /usr --null --no-recursion -T - -cf - 2>/dev/null | tar -C "$0" -xf -';
  const list = Buffer.from(chosen.map((name) => `./${name}\0`).join(''), 'latin1');
  const { status, stderr } = spawnSync('sh', ['-c', pack, path], { input: list });
  if (status !== 0) throw new Error(`cannot copy /usr: ${stderr.toString().trim()}`);
}
