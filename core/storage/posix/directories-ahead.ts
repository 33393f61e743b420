import { CallLimit } from './call-limit.ts';
import { pooledCallsAtMost } from './call-pool.ts';
import { DirectoryCache } from './directory-cache.ts';
import { AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, duplicate, nativeName } from './libc.ts';
import { STATX_BASIC_STATS, statxAsync } from './libc-metadata.ts';
import { flagsOfSource, sourceDirectoryFlags } from './open-directory.ts';
import { SystemError } from './system-error.ts';

const statusBytes = 256;

/**
 * Opens directories of a destination and looks at those of the source, many at once, where each call takes long: what is asked
 * right after is answered out of the kernel's memory. What cannot be opened is left to who comes next. Changes nothing.
 */
export class DirectoriesAhead {
  readonly #calls: CallLimit;
  readonly #source: DirectoryCache;
  readonly #destination: DirectoryCache;
  #paths: string[] = [];

  /** Open directories, which belong to the caller; no more calls than `atOnce` wait at once. */
  constructor(source: number, destination: number, followsSymlinks: boolean, atOnce = pooledCallsAtMost) {
    this.#calls = new CallLimit(Math.min(atOnce, pooledCallsAtMost));
    this.#source = new DirectoryCache({ root: source }, this.#calls, flagsOfSource(followsSymlinks));
    this.#destination = new DirectoryCache({ root: destination }, this.#calls, sourceDirectoryFlags);
  }

  /** Looks at these, and has forgotten those before. */
  async look(paths: readonly string[]): Promise<void> {
    for (const path of this.#paths) this.#destination.release(path);
    this.#paths = [];
    await Promise.all(paths.flatMap((path) => [this.#ask(path), this.#open(path)]));
  }

  /** A descriptor of the caller's own of a directory at one side; undefined where none is at hand. */
  take(side: 'source' | 'destination', path: string): number | undefined {
    const cache = side === 'source' ? this.#source : this.#destination;
    const fd = cache.opened(path);
    const own = fd === undefined ? -1 : duplicate(fd);
    return own < 0 ? undefined : own;
  }

  async close(): Promise<void> {
    await this.#source.close();
    await this.#destination.close();
  }

  async #open(path: string): Promise<void> {
    try {
      await this.#destination.open(path);
      this.#paths.push(path);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }

  async #ask(path: string): Promise<void> {
    const slash = path.lastIndexOf('/');
    const above = path.slice(0, Math.max(0, slash));
    try {
      const directory = await this.#source.open(above);
      const name = nativeName(path.slice(slash + 1));
      const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
      const buffer = new Uint8Array(statusBytes);
      await this.#calls.run(() => statxAsync(directory, name, flags, STATX_BASIC_STATS, buffer));
      this.#source.release(above);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }
}
