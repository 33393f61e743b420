import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { hasProgram } from './measure.ts';

export type Size = { readonly entries: number; readonly bytes: number };

const MiB = 1024 * 1024;

/** Where a copy goes: a file system of its own that nobody has used, or, where that cannot be made, a new directory. */
export class Volumes {
  readonly how: string;
  readonly #scratch: string;
  readonly #isOwn: boolean;
  #number = 0;
  #open: string | undefined;
  /** Where every run has a new directory: removing one before the next run would slow that one down. */
  readonly #used: string[] = [];

  constructor(scratch: string) {
    this.#scratch = scratch;
    this.#isOwn = canMount(scratch);
    this.how = this.#isOwn
      ? 'a fresh ext4 in a sparse file for each run'
      : 'a new directory for each run (no file system can be made and mounted here)';
  }

  /** The path of the new, empty volume. */
  open(size: Size): string {
    const path = join(this.#scratch, `volume-${this.#number++}`);
    mkdirSync(path);
    if (this.#isOwn) this.#mount(path, size);
    else if (!hasRoom(path, size)) this.clear();
    this.#open = path;
    return path;
  }

  /** Gives the volume in force up, if there is one. */
  close(): void {
    const path = this.#open;
    if (path === undefined) return;
    this.#open = undefined;
    if (!this.#isOwn) {
      this.#used.push(path);
      return;
    }
    unmount(path);
    rmSync(path, { recursive: true, force: true });
    rmSync(`${path}.ext4`, { force: true });
  }

  /** Removes the directories of earlier runs. */
  clear(): void {
    for (const path of this.#used.splice(0)) rmSync(path, { recursive: true, force: true });
  }

  #mount(path: string, { entries, bytes }: Size): void {
    const image = `${path}.ext4`;
    makeSparse(image, Math.ceil(bytes * 1.1 + entries * 1024) + 512 * MiB);
    this.#open = path;
    const inodes = String(Math.ceil(entries * 1.1) + 10_000);
    const features = 'lazy_itable_init=0,lazy_journal_init=0';
    run('mkfs.ext4', '-q', '-F', '-m', '0', '-N', inodes, '-E', features, image);
    run('sync', image);
    mountImage(image, path);
  }
}

function hasRoom(path: string, { entries, bytes }: Size): boolean {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize > bytes * 1.2 + entries * 4096 + 2 * 1024 * MiB;
}

/** Detached at once: the kernel then lets the device go with the mount. */
function mountImage(image: string, path: string): void {
  const device = attach(image);
  try {
    run('mount', device, path);
  } finally {
    run('losetup', '-d', device);
  }
}

/** Past the page cache where that works, so that nothing is held in memory twice. */
function attach(image: string): string {
  const direct = spawnSync('losetup', ['--find', '--show', '--direct-io=on', image]);
  if (direct.status === 0) return direct.stdout.toString().trim();
  return run('losetup', '--find', '--show', image).trim();
}

function unmount(path: string): void {
  for (let tries = 0; tries < 50; tries++) {
    if (spawnSync('mountpoint', ['-q', path]).status !== 0) return;
    if (spawnSync('umount', [path]).status === 0) return;
    spawnSync('sleep', ['0.1']);
  }
  run('umount', '--lazy', path);
}

function makeSparse(file: string, bytes: number): void {
  const descriptor = openSync(file, 'wx', 0o600);
  ftruncateSync(descriptor, bytes);
  closeSync(descriptor);
}

function canMount(scratch: string): boolean {
  if (process.getuid?.() !== 0 || !['mkfs.ext4', 'losetup', 'mount'].every(hasProgram)) return false;
  const [image, path] = [join(scratch, 'trial.ext4'), join(scratch, 'trial')];
  mkdirSync(path);
  try {
    makeSparse(image, 64 * MiB);
    run('mkfs.ext4', '-q', '-F', image);
    mountImage(image, path);
    return true;
  } catch {
    return false;
  } finally {
    unmount(path);
    rmSync(path, { recursive: true });
    rmSync(image, { force: true });
  }
}

function run(program: string, ...words: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, words);
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr.toString().trim()}`);
  return stdout.toString();
}
