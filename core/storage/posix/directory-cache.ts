import { dirname } from 'node:path/posix';
import type { CallLimit } from './call-limit.ts';
import { close, nativeName, openatAsync } from './libc.ts';
import { check } from './system-error.ts';
import { openAgain, rootOn, type WalkTop } from './walk-top.ts';

/** So many directories stay open that nobody uses. */
const openAtMost = 128;

type Kept = { readonly fd: Promise<number>; uses: number; opened?: number };

/**
 * Opens directories without waiting, each relative to the one that it is in; those used last stay
 * open, as what is in them will be wanted soon.
 */
export class DirectoryCache {
  readonly #top: WalkTop;
  readonly #calls: CallLimit;
  readonly #flags: number;
  /** The one used last is the last. */
  readonly #kept = new Map<string, Kept>();

  constructor(top: WalkTop, calls: CallLimit, flags: number) {
    this.#top = top;
    this.#calls = calls;
    this.#flags = flags;
  }

  /** The open directory at `path` below the root, until `release`; throws a SystemError. */
  async open(path: string): Promise<number> {
    if (path === '') return this.#top.root;
    const kept = this.#kept.get(path) ?? { fd: this.#openChild(path), uses: 0 };
    kept.uses++;
    this.#kept.delete(path);
    this.#kept.set(path, kept);
    try {
      kept.opened = await kept.fd;
      return kept.opened;
    } catch (error) {
      if (this.#kept.get(path) === kept) this.#kept.delete(path);
      throw error;
    }
  }

  /** One that is open already, until something else is opened; undefined where it is not. */
  opened(path: string): number | undefined {
    return this.#kept.get(path)?.opened;
  }

  /** What was opened is not in use any more. */
  release(path: string): void {
    const kept = this.#kept.get(path);
    if (kept === undefined) return;
    kept.uses--;
    if (this.#kept.size > openAtMost) this.#closeOldest();
  }

  /** Nothing is in use. */
  async close(): Promise<void> {
    for (const { fd } of this.#kept.values()) close(await fd);
    this.#kept.clear();
  }

  async #openChild(path: string): Promise<number> {
    // A path may have more steps than the stack has room for
    await null;
    const parent = dirname(path) === '.' ? '' : dirname(path);
    if (parent === '' && this.#top.roots !== undefined) return openAgain(rootOn(this.#top, path).fd);
    const directory = await this.open(parent);
    try {
      const name = nativeName(path.slice(path.lastIndexOf('/') + 1));
      const opening = () => openatAsync(directory, name, this.#flags, 0);
      return check(await this.#calls.run(opening), 'open directory');
    } finally {
      this.release(parent);
    }
  }

  #closeOldest(): void {
    for (const [path, { fd, uses }] of this.#kept) {
      if (this.#kept.size <= openAtMost) return;
      if (uses > 0) continue;
      this.#kept.delete(path);
      void fd.then(close);
    }
  }
}
