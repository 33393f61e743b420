import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { Random } from './random.ts';

/** What a file held at a time. */
export type Version = { readonly content: Buffer; readonly mtimeMs: number };

const fifosAtOnce = 200;
const fileModes = [0o600, 0o644, 0o755, 0o4711, 0o444];
const directoryModes = [0o700, 0o755, 0o750, 0o1777];

/** Makes a FIFO by renaming one of many that one call has made: starting a program for each would take longest of all. */
export class FifoStock {
  readonly #directory: string;
  #left: string[] = [];

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory);
  }

  make(path: string): void {
    if (this.#left.length === 0) {
      this.#left = Array.from({ length: fifosAtOnce }, (_, i) => `${this.#directory}/${i}`);
      execFileSync('mkfifo', this.#left);
    }
    renameSync(this.#left.pop()!, path);
  }
}

/** A source of a random shape, which knows all that its files have ever held. */
export class RandomSource {
  readonly top: string;
  readonly #random: Random;
  readonly #directories = [''];
  readonly #files: string[] = [];
  /** Names of one file have the same list until one of them is replaced. */
  readonly #versions = new Map<string, Version[]>();
  #kept: ReadonlySet<string> = new Set();
  #seconds = 1_600_000_000;

  constructor(top: string, random: Random, fifos: FifoStock) {
    [this.top, this.#random] = [top, random];
    const entries = random(28);
    for (let i = 0; i < entries; i++) this.#add(i, fifos);
    for (const path of [...this.#directories].reverse()) {
      chmodSync(`${top}/${path}`, this.#pick(directoryModes)!);
      this.#setTime(path);
    }
  }

  /** All that this path has ever held. */
  versionsOf(path: string): readonly Version[] {
    return this.#versions.get(path) ?? [];
  }

  get files(): readonly string[] {
    return this.#files;
  }

  /** Directories that stay whatever befalls them, empty. */
  keep(paths: readonly string[]): void {
    this.#kept = new Set(paths);
  }

  remove(path: string): void {
    const names = this.#kept.has(path) ? readdirSync(`${this.top}/${path}`) : undefined;
    for (const doomed of names?.map((name) => `${path}/${name}`) ?? [path])
      rmSync(`${this.top}/${doomed}`, { recursive: true, force: true });
  }

  /** Does to a file or a directory what users do while a copy runs. Tells which path is no more what it was. */
  disturb(): string | undefined {
    const path = this.#pick(this.#random(8) === 0 ? this.#directories.slice(1) : this.#files);
    if (path === undefined || !existsSync(`${this.top}/${path}`)) return undefined;
    const isDirectory = lstatSync(`${this.top}/${path}`).isDirectory();
    const what = isDirectory ? 0 : this.#random(5);
    if (what < 2) this.remove(path);
    else if (what === 2) this.#replace(path);
    else this.#change(path, what === 3);
    return path;
  }

  #add(number: number, fifos: FifoStock): void {
    const parent = this.#pick(this.#directories)!;
    const letter = this.#pick([...'dffffffbblllsp'])!;
    const path = `${parent === '' ? '' : `${parent}/`}${letter}${number}`;
    const file = `${this.top}/${path}`;
    const first = letter === 'l' ? this.#pick(this.#files) : undefined;
    if (letter === 'd') {
      mkdirSync(file);
      this.#directories.push(path);
    } else if (letter === 's') symlinkSync(`nowhere/${number}`, file);
    else if (letter === 'p') fifos.make(file);
    else if (first !== undefined) this.#link(first, path);
    else this.#make(path, letter === 'b');
  }

  #link(first: string, path: string): void {
    linkSync(`${this.top}/${first}`, `${this.top}/${path}`);
    this.#versions.set(path, this.#versions.get(first)!);
    this.#files.push(path);
  }

  #make(path: string, isBig: boolean): void {
    const file = `${this.top}/${path}`;
    writeFileSync(file, this.#bytes(isBig ? 9000 : 3000));
    if (isBig) this.#extend(file);
    chmodSync(file, this.#pick(fileModes)!);
    this.#files.push(path);
    this.#note(path, []);
  }

  /** Makes it large, with holes in it. */
  #extend(file: string): void {
    for (let i = 0; i < 3; i++) {
      truncateSync(file, lstatSync(file).size + this.#random(300_000));
      appendFileSync(file, this.#bytes(9000));
    }
  }

  #replace(path: string): void {
    const file = `${this.top}/${path}`;
    const { mode, size } = lstatSync(file);
    rmSync(file);
    writeFileSync(file, this.#bytes(3000), { mode });
    if (size > 50_000) this.#extend(file);
    chmodSync(file, mode & 0o7777);
    this.#note(path, [...this.versionsOf(path)]);
  }

  #change(path: string, isCut: boolean): void {
    const file = `${this.top}/${path}`;
    const { size, mode } = lstatSync(file);
    if (isCut) truncateSync(file, this.#random(size + 1));
    appendFileSync(file, this.#bytes(5000));
    chmodSync(file, mode & 0o7777);
    this.#note(path, this.#versions.get(path)!);
  }

  #note(path: string, versions: Version[]): void {
    this.#versions.set(path, versions);
    this.#setTime(path);
    const file = `${this.top}/${path}`;
    versions.push({ content: readFileSync(file), mtimeMs: lstatSync(file).mtimeMs });
  }

  #setTime(path: string): void {
    this.#seconds += 1 + this.#random(1000) / 8;
    utimesSync(`${this.top}/${path}`, this.#seconds, this.#seconds);
  }

  #bytes(below: number): Buffer {
    const bytes = Buffer.allocUnsafe(this.#random(below));
    const [start, step] = [this.#random(256), this.#random(256)];
    for (let i = 0; i < bytes.length; i++) bytes[i] = start + step * i + (i >> 8);
    return bytes;
  }

  #pick<T>(some: readonly T[]): T | undefined {
    return some[this.#random(some.length)];
  }
}
