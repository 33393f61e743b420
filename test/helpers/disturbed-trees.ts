import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { Random } from './random.ts';

/** All paths below a directory, in a stable order; no symlink is followed, which `recursive` would. */
export function pathsBelow(root: string, above = ''): string[] {
  const found = readdirSync(root, { withFileTypes: true }).sort((one, other) =>
    one.name < other.name ? -1 : 1,
  );
  return found.flatMap((entry) => {
    const path = `${above}${entry.name}`;
    return [path, ...(entry.isDirectory() ? pathsBelow(`${root}/${entry.name}`, `${path}/`) : [])];
  });
}

/**
 * Does to one thing in a tree what makes it another than its counterpart: its content, its metadata, its type, its names.
 */
export function disturbTree(root: string, random: Random): void {
  const paths = pathsBelow(root);
  const path = paths[random(Math.max(1, paths.length))];
  if (path === undefined) return;
  const at = `${root}/${path}`;
  const status = lstatSync(at);
  const isFile = status.isFile();
  const changes: (() => unknown)[] = [
    () => rmSync(at, { recursive: true, force: true }),
    () => utimesSync(at, random(1_000_000_000), random(1_000_000_000)),
    () => lstatSync(`${at} more`, { throwIfNoEntry: false }) || writeFileSync(`${at} more`, 'more'),
    () => replace(at, () => mkdirSync(at)),
    () => replace(at, () => writeFileSync(at, 'in the way')),
    () => replace(at, () => symlinkSync(random(2) === 0 ? '.' : `elsewhere/${random(9)}`, at)),
    () => renameSync(at, `${root}/moved ${random(1000)}`),
    () => execFileSync('chown', ['-h', `${random(3)}:${random(3)}`, at]),
  ];
  const ofFiles: (() => unknown)[] = [
    () => appendFileSync(at, 'grown'),
    () => invert(at, false),
    () => invert(at, true),
    () => chmodSync(at, [0o600, 0o640, 0o755, 0o4711][random(4)]!),
    () => chownSync(at, random(3), random(3)),
    () => execFileSync('setfattr', ['-n', 'user.a', '-v', String(random(3)), at]),
    () => breakLink(at),
    () => linkTo(root, paths[random(paths.length)]!, at),
  ];
  const possible = isFile ? [...changes, ...ofFiles, ...ofFiles] : [...changes];
  if (status.isDirectory()) possible.push(() => chmodSync(at, [0o700, 0o755, 0o2775][random(3)]!));
  if (status.isSymbolicLink()) possible.splice(1, 1);
  possible[random(possible.length)]!();
}

function replace(at: string, make: () => void): void {
  rmSync(at, { recursive: true });
  make();
}

/** Another content of the same size: with the same mtime, or not. */
function invert(at: string, keepsTime: boolean): void {
  const { atimeMs, mtimeMs } = lstatSync(at);
  const seconds = Math.floor(mtimeMs / 1000);
  utimesSync(at, atimeMs / 1000, seconds);
  writeFileSync(
    at,
    readFileSync(at).map((byte, i) => (i === 0 ? ~byte : byte)),
  );
  utimesSync(at, atimeMs / 1000, keepsTime ? mtimeMs / 1000 : seconds + 5);
}

function breakLink(at: string): void {
  copyFileSync(at, `${at}.copy`);
  renameSync(`${at}.copy`, at);
}

function linkTo(root: string, other: string, at: string): void {
  const first = `${root}/${other}`;
  if (!existsSync(first) || !lstatSync(first).isFile() || first === at) return;
  rmSync(at);
  linkSync(first, at);
}
