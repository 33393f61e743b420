import { joinPath } from '../../model/entry.ts';
import type { Kept } from '../../model/removal.ts';
import { CallLimit } from './call-limit.ts';
import { DirectoryNames } from './directory-names.ts';
import { FileStatus, withMount } from './file-status.ts';
import { close, ENOENT, errnoName, nativeName } from './libc.ts';
import { removeDirectory, unlinkatAsync } from './libc-removal.ts';
import { openExistingDirectory, unlock } from './open-directory.ts';
import { me } from './ownership.ts';
import { TreeRemover } from './remove-tree.ts';
import { check, SystemError } from './system-error.ts';

/** As many as the pool has threads. */
const callsAtOnce = 32;
/** So many directories are emptied at once, each with one open descriptor for each level. */
const directoriesAtOnce = 16;
/** What lies deeper is removed by one call after another, with a fixed number of descriptors. */
const deepest = 48;
const goesAtMost = 4;
const ENOTEMPTY = -39;

const status = new FileStatus();

/**
 * Removes a tree for good, many of its entries at a time: each call may take long. As TreeRemover does, it follows no symlink,
 * stays in one file system, and goes on where something cannot be removed.
 */
export class ParallelRemoval {
  readonly #calls = new CallLimit(callsAtOnce);
  readonly #signal: AbortSignal;
  readonly #top: FileStatus;
  readonly #parent: number;
  #directories = 0;
  entries = 0;
  readonly kept: Kept[] = [];

  constructor(parent: number, signal: AbortSignal) {
    this.#parent = parent;
    this.#signal = signal;
    this.#top = new FileStatus().readOpen(parent, 'look at the directory', withMount);
  }

  /** What has this name in the directory, and all below it. The reason of the signal is thrown once it is aborted. */
  async remove(name: string): Promise<void> {
    const found = status.read(this.#parent, nativeName(name));
    if (found === ENOENT) return;
    check(found, 'look at it');
    if (status.type === 'directory') await this.#directory(this.#parent, name, name, 0);
    else await this.#other(this.#parent, name, name);
  }

  async #directory(parent: number, name: string, path: string, depth: number): Promise<void> {
    if (depth > deepest) return this.#deep(parent, name, path);
    try {
      let removed = ENOTEMPTY;
      // What is removed while a directory is read can hide other names from the reader
      for (let go = 0; removed === ENOTEMPTY && go < goesAtMost; go++) {
        await this.#emptyNamed(parent, name, path, depth);
        removed = removeDirectory(parent, nativeName(name));
        if (removed === ENOTEMPTY && this.#holdsKept(path)) return;
      }
      this.#take(removed, path);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.kept.push({ path, cause: error.cause, action: error.action });
    }
  }

  async #emptyNamed(parent: number, name: string, path: string, depth: number): Promise<void> {
    const fd = openExistingDirectory(parent, nativeName(name));
    try {
      this.#refuseOther(fd);
      await this.#empty(fd, path, depth);
    } finally {
      close(fd);
    }
  }

  #holdsKept(path: string): boolean {
    return this.kept.some(({ path: kept }) => kept.startsWith(`${path}/`));
  }

  /** Another file system is not entered; a directory that is closed to its owner is opened for him: it goes anyway. */
  #refuseOther(fd: number): void {
    const { mode, uid } = status.readOpen(fd, 'look at the directory', withMount);
    if (!status.isInMountOf(this.#top)) throw new SystemError('EXDEV', 'remove');
    if ((mode & 0o300) !== 0o300 && uid === me.uid) unlock(fd);
  }

  async #empty(fd: number, path: string, depth: number): Promise<void> {
    const names = new DirectoryNames();
    names.open(fd);
    while (await names.fillAsync()) {
      this.#signal.throwIfAborted();
      const work: Promise<void>[] = [];
      const inTurn: string[] = [];
      while (names.next()) {
        const { name } = names;
        if (!isDirectory(fd, names)) work.push(this.#other(fd, name, joinPath(path, name)));
        else if (this.#directories < directoriesAtOnce) work.push(this.#beside(fd, name, path, depth));
        else inTurn.push(name);
      }
      // The descriptor is closed after the last call that uses it
      for (const done of await Promise.allSettled(work)) if (done.status === 'rejected') throw done.reason;
      for (const name of inTurn) await this.#directory(fd, name, joinPath(path, name), depth + 1);
    }
  }

  async #beside(fd: number, name: string, path: string, depth: number): Promise<void> {
    this.#directories++;
    try {
      await this.#directory(fd, name, joinPath(path, name), depth + 1);
    } finally {
      this.#directories--;
    }
  }

  async #other(parent: number, name: string, path: string): Promise<void> {
    this.#take(await this.#calls.run(() => unlinkatAsync(parent, nativeName(name), 0)), path);
  }

  #deep(parent: number, name: string, path: string): void {
    const remover = new TreeRemover(parent);
    const { entries, kept } = remover.remove(name);
    remover.close();
    this.entries += entries;
    for (const one of kept) this.kept.push({ ...one, path: path + one.path.slice(name.length) });
  }

  #take(removed: number, path: string): void {
    if (removed === 0) this.entries++;
    else if (removed !== ENOENT) this.kept.push({ path, cause: errnoName(removed), action: 'remove' });
  }
}

function isDirectory(fd: number, names: DirectoryNames): boolean {
  if (names.type !== 'unknown') return names.type === 'directory';
  return status.read(fd, nativeName(names.name)) === 0 && status.type === 'directory';
}
