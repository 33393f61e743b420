import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execaSync } from 'execa';
import { setAcl, setAttribute } from './attributes.ts';
import { disturbTree, pathsBelow } from './disturbed-trees.ts';
import type { Random } from './random.ts';

/** Whole seconds, so that a time can be set back to the very nanosecond. */
const someTime = (random: Random) => 1_000_000_000 + random(5);

/** Directories with files, symlinks and hard links, attributes and ACLs, all of few names, modes and times, so that much is alike. */
export function makeRandomTree(root: string, random: Random): void {
  mkdirSync(root, { recursive: true });
  if (random(3) === 0) setAcl(root, '-d', '-m', 'u:1234:rwx');
  fill(root, random, 3);
  for (const path of pathsBelow(root).reverse()) settle(`${root}/${path}`, random);
  settle(root, random);
}

function fill(directory: string, random: Random, depth: number): void {
  for (let i = 0; i < random(9); i++) writeFileSync(`${directory}/f${i}`, 'x'.repeat(random(3)));
  for (let i = 0; i < random(4); i++) symlinkSync(`f${random(9)}`, `${directory}/s${i}`);
  if (existsSync(`${directory}/f0`) && random(3) === 0) linkSync(`${directory}/f0`, `${directory}/l0`);
  const names = ['d', 'd.e', 'd-', 'd e', '"d\\', 'ü'].slice(0, depth <= 0 ? 0 : 1 + random(6));
  for (const name of names) {
    mkdirSync(`${directory}/${name}`);
    fill(`${directory}/${name}`, random, depth - 1 - random(3));
    if (existsSync(`${directory}/f1`) && random(4) === 0)
      linkSync(`${directory}/f1`, `${directory}/${name}/l1`);
  }
}

function settle(at: string, random: Random): void {
  const status = lstatSync(at);
  if (!status.isSymbolicLink()) {
    if (random(8) === 0) setAttribute(at, 'user.a', String(random(2)));
    if (random(12) === 0) setAcl(at, '-m', `u:${1234 + random(2)}:rwx`);
    if (random(12) === 0) chmodSync(at, status.isDirectory() ? 0o2755 : 0o4755);
  }
  const time = someTime(random);
  lutimesSync(at, time, time);
}

/**
 * Changes some things in a tree; mostly without a trace in the times of directories, which then tell nothing of what is gone from them or
 * came into them.
 */
export function changeTree(root: string, random: Random, changes: number): void {
  const directories = ['', ...pathsBelow(root)].filter((path) => lstatSync(`${root}/${path}`).isDirectory());
  const times = new Map(directories.map((path) => [path, lstatSync(`${root}/${path}`).mtimeMs / 1000]));
  for (let i = 0; i < changes; i++) changeOne(root, random);
  if (random(4) === 0) return;
  for (const [path, time] of times)
    if (statusAt(`${root}/${path}`)?.isDirectory() && random(20) > 0)
      utimesSync(`${root}/${path}`, time, time);
}

/** Undefined where nothing is, nor could be. */
export function statusAt(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function changeOne(root: string, random: Random): void {
  if (random(3) === 0) {
    disturbTree(root, random);
    return;
  }
  const paths = pathsBelow(root);
  const path = paths[random(Math.max(1, paths.length))];
  if (path === undefined) return;
  const at = `${root}/${path}`;
  const status = lstatSync(at);
  const time = someTime(random);
  const changes: (() => unknown)[] = [
    () => lutimesSync(at, time, time),
    () => rmSync(at, { recursive: true }),
  ];
  if (status.isSymbolicLink())
    changes.push(
      () => retarget(at, readlinkSync(at).replace(/.$/u, String(random(9)))),
      () => retarget(at, `${readlinkSync(at)} and more`.slice(-200)),
    );
  else
    changes.push(
      () => setAttribute(at, 'user.a', String(random(2))),
      () => setAttribute(at, `user.${random(3)}`, 'more'),
      () => execaSync('setfattr', ['-x', 'user.a', at], { reject: false }),
      () => setAcl(at, '-m', `u:${1234 + random(2)}:r-x`),
      () => setAcl(at, '-b'),
    );
  if (status.isFile())
    changes.push(
      () => appendFileSync(at, 'grown'),
      () => {
        // In its place: no directory has a trace of it
        writeFileSync(at, readFileSync(at).fill('y'));
        utimesSync(at, time, time + random(2));
      },
    );
  if (status.isDirectory())
    changes.push(
      () => chmodSync(at, [0o700, 0o755, 0o2775, 0o1777][random(4)]!),
      () => setAcl(at, '-d', '-m', `u:${1234 + random(2)}:r-x`),
      () => setAcl(at, '-k'),
      () => renameSync(at, `${at}.renamed`),
      () => writeFileSync(`${at}/f${random(12)}`, 'x', { flag: 'a' }),
      () => mkdirSync(`${at}/d${random(3)}`, { recursive: true }),
      () => readdirSync(at).forEach((name) => void rmSync(`${at}/${name}`, { recursive: true })),
    );
  changes[random(changes.length)]!();
}

function retarget(at: string, target: string): void {
  rmSync(at);
  symlinkSync(target, at);
  lutimesSync(at, 1_000_000_000, 1_000_000_000);
}
