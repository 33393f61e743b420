import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import './become-user.ts';
import { randomNumbers } from './random.ts';
import { block, blockBytes, type Manner, stamped } from './stamped-file.ts';

/** Changes files of a tree, each in its manner, until a file `stop` is there. */
export type Mutation = {
  readonly tree: string;
  readonly files: readonly { readonly path: string; readonly manner: Manner; readonly blocks: number }[];
  /** Names that are given to one symlink after another. */
  readonly symlinks: readonly string[];
  /** Two directories that change places. */
  readonly directories: readonly [string, string];
  readonly aside: string;
  readonly stop: string;
  readonly seed: number;
};

const work = deserialize(readFileSync(0)) as Mutation;
const random = randomNumbers(work.seed);
const aside = `${work.aside}/${work.seed}`;
let version = 1;
let changes = 0;
const versions = new Map<string, number>();

/** One more than the file has: what is written in place must be known by the version before. */
function nextOf(path: string): number {
  const next = (versions.get(path) ?? 0) + 1;
  versions.set(path, next);
  return next;
}

function writeInPlace(path: string, next: number, blocks: number): void {
  const fd = openSync(path, 'r+');
  for (let i = 0; i < blocks; i++) writeSync(fd, block(next, i), 0, blockBytes, i * blockBytes);
  closeSync(fd);
}

function replace(path: string, blocks: number): void {
  writeFileSync(aside, stamped(version++, blocks));
  renameSync(aside, path);
}

function append(path: string, blocks: number): void {
  const has = statSync(path).size / blockBytes;
  if (has > blocks * 2) {
    replace(path, 1);
    return;
  }
  const own = Number.parseInt(readFileSync(path, 'latin1').slice(0, 16), 10);
  for (let i = 0; i < 1 + random(3); i++) appendFileSync(path, block(own, has + i));
}

function truncate(path: string, blocks: number): void {
  truncateSync(path, 0);
  for (let i = 0; i < blocks; i++) appendFileSync(path, block(version, i));
  version++;
}

function remove(path: string, blocks: number): void {
  rmSync(path);
  if (random(2) === 0) pause(4);
  replace(path, blocks);
}

function change({ path: name, manner, blocks }: Mutation['files'][number]): void {
  const path = `${work.tree}/${name}`;
  if (manner === 'in place') writeInPlace(path, nextOf(path), blocks);
  else if (manner === 'replaced') replace(path, 1 + random(blocks));
  else if (manner === 'truncated') truncate(path, 1 + random(blocks));
  else if (manner === 'appended') append(path, blocks);
  else if (manner === 'deleted') remove(path, blocks);
  else {
    // Only the ctime tells
    writeInPlace(path, nextOf(path), blocks);
    utimesSync(path, 1_000_000, 1_000_000);
  }
}

function retarget(name: string): void {
  symlinkSync(`${version}-`.repeat(20), aside);
  version++;
  renameSync(aside, `${work.tree}/${name}`);
}

function swapDirectories([one, other]: Mutation['directories']): void {
  renameSync(`${work.tree}/${one}`, aside);
  renameSync(`${work.tree}/${other}`, `${work.tree}/${one}`);
  renameSync(aside, `${work.tree}/${other}`);
}

function pause(ms: number): void {
  const end = performance.now() + (random(100) * ms) / 100;
  while (performance.now() < end);
}

writeFileSync(`${work.stop}.${work.seed}`, '');
while (!existsSync(work.stop)) {
  for (let i = 0; i < 20; i++) {
    const what = random(work.files.length + 4);
    if (what < work.files.length) change(work.files[what]!);
    else if (what < work.files.length + 2) retarget(work.symlinks[random(work.symlinks.length)]!);
    else if (what === work.files.length + 2) swapDirectories(work.directories);
    changes++;
    pause(2);
  }
}
writeFileSync(3, serialize(changes));
