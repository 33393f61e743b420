import { close, type NativeName, nativeName } from './libc.ts';

/** Opens the directory `name` in the open directory `parent`, at the end of `names` below the root; throws a SystemError. */
export type OpenChild = (parent: number, name: NativeName, names: readonly string[]) => number;

/** So many directories stay open along a path; deeper ones are opened again when they are needed. */
const openAtMost = 48;

/**
 * The directories along the path last entered, kept open, so that the next path costs only what is new in it.
 * Each step is one name relative to an open directory: no symlink is followed and no path is too long.
 */
export class DirectoryStack {
  readonly #root: number;
  readonly #openChild: OpenChild;
  #names: string[] = [];
  /** Descriptors along #names; -1 where one was closed to save descriptors. */
  #fds: number[] = [];

  constructor(root: number, openChild: OpenChild) {
    this.#root = root;
    this.#openChild = openChild;
  }

  /** The open directory at `path` below the root (`''` is the root); it stays open until the next call. */
  enter(path: string): number {
    if (path === '') return this.#root;
    const names = path.split('/');
    this.#leave(this.#commonWith(names));
    if (this.#fds.length === names.length && this.#fds.at(-1)! >= 0) return this.#fds.at(-1)!;
    this.#reopen();
    for (let i = this.#fds.length; i < names.length; i++) this.#push(names[i]!);
    return this.#fds.at(-1)!;
  }

  /** The open directory at these names below the root, if the path last entered leads through it. */
  openAlong(names: readonly string[]): number | undefined {
    const fd = this.#fds[names.length - 1] ?? -1;
    return fd >= 0 && names.every((name, i) => this.#names[i] === name) ? fd : undefined;
  }

  /** Closes all but the root, which belongs to the caller. */
  close(): void {
    this.#leave(0);
  }

  #commonWith(names: readonly string[]): number {
    let common = 0;
    while (common < this.#names.length && this.#names[common] === names[common]) common++;
    return common;
  }

  #leave(keep: number): void {
    for (const fd of this.#fds.slice(keep)) if (fd >= 0) close(fd);
    this.#names.length = keep;
    this.#fds.length = keep;
  }

  /** Makes sure that the last directory kept is open: it may have been closed to save descriptors. */
  #reopen(): void {
    if (this.#fds.length === 0 || this.#fds.at(-1)! >= 0) return;
    const closed = this.#fds.findLastIndex((fd) => fd >= 0) + 1;
    const names = this.#names.slice(closed);
    this.#leave(closed);
    for (const name of names) this.#push(name);
  }

  #push(name: string): void {
    const fd = this.#openChild(this.#fds.at(-1) ?? this.#root, nativeName(name), [...this.#names, name]);
    this.#names.push(name);
    this.#fds.push(fd);
    const oldest = this.#fds.length - 1 - openAtMost;
    if (oldest >= 0 && this.#fds[oldest]! >= 0) {
      close(this.#fds[oldest]!);
      this.#fds[oldest] = -1;
    }
  }
}
