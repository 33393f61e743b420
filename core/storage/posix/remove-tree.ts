import { joinPath } from '../../model/entry.ts';
import type { Kept } from '../../model/removal.ts';
import { DirectoryNames } from './directory-names.ts';
import { DirectoryStack } from './directory-stack.ts';
import { split } from './extras.ts';
import { FileStatus, withMount } from './file-status.ts';
import { ENOENT, errnoName, lseek, nativeName, SEEK_SET } from './libc.ts';
import { unlinkat } from './libc-names.ts';
import { removeDirectory } from './libc-removal.ts';
import { openExistingDirectory, unlock } from './open-directory.ts';
import { SystemError } from './system-error.ts';

/** So many directories of one are remembered at a time: then it is read again. */
const ENOTEMPTY = -39;
const directoriesAtOnce = 1000;
const status = new FileStatus();

export type RemovedTree = { readonly entries: number; readonly kept: readonly Kept[] };

/**
 * Removes trees below an open directory for good: by descriptors, following no symlink and never into another file
 * system. What cannot be removed is told, and all else goes. Memory grows neither with a tree nor with its depth.
 */
export class TreeRemover {
  readonly #top: FileStatus;
  readonly #directories: DirectoryStack;
  readonly #names = new DirectoryNames();
  readonly #kept = new Map<string, Kept | undefined>();
  #entries = 0;

  constructor(top: number) {
    this.#top = new FileStatus().readOpen(top, 'look at the directory', withMount);
    this.#directories = new DirectoryStack(top, openExistingDirectory);
  }

  /** What is at `path` and all below it; `top` itself stays. */
  remove(path: string): RemovedTree {
    this.#entries = 0;
    this.#kept.clear();
    const pending = [path];
    for (let next = pending.at(-1); next !== undefined; next = pending.at(-1)) {
      const below = this.#empty(next);
      if (below.length > 0) pending.push(...below);
      else pending.pop();
    }
    return { entries: this.#entries, kept: [...this.#kept.values()].filter((kept) => kept !== undefined) };
  }

  close(): void {
    this.#directories.close();
  }

  /** One step: removes what is at a path if it can, else gives the directories in it that have to go before. */
  #empty(path: string): string[] {
    try {
      const [directory, name] = split(path);
      const parent = this.#directories.enter(directory);
      if (status.read(parent, name) === ENOENT) return [];
      if (status.type !== 'directory') {
        this.#unlink(parent, path);
        return [];
      }
      const below = this.#clear(path);
      if (below.length === 0) this.#removeEmptied(path);
      return below;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.#keep(path, error.cause, error.action);
      return [];
    }
  }

  /** Removes all but directories, of which it gives some. */
  #clear(path: string): string[] {
    const fd = this.#openUnlocked(path);
    const below: string[] = [];
    lseek(fd, 0, SEEK_SET);
    for (const { name, type } of this.#names.read(fd)) {
      const child = joinPath(path, name);
      if (this.#kept.has(child)) continue;
      const isDirectory = type === 'directory' || (type === 'unknown' && isDirectoryIn(fd, name));
      if (!isDirectory) this.#unlink(fd, child);
      else if (below.push(child) === directoriesAtOnce) break;
    }
    return below;
  }

  #openUnlocked(path: string): number {
    const fd = this.#directories.enter(path);
    // Its own mode may keep its owner from removing what is in it; it goes anyway
    status.readOpen(fd, 'look at the directory', withMount);
    if (!status.isInMountOf(this.#top)) throw new SystemError('EXDEV', 'remove');
    if ((status.mode & 0o300) !== 0o300 && status.uid === process.geteuid?.()) unlock(fd);
    return fd;
  }

  #unlink(parent: number, path: string): void {
    const [, name] = split(path);
    const removed = unlinkat(parent, name, 0);
    if (removed === 0) this.#entries++;
    else if (removed !== ENOENT) this.#keep(path, errnoName(removed), 'remove');
  }

  #removeEmptied(path: string): void {
    const [directory, name] = split(path);
    const removed = removeDirectory(this.#directories.enter(directory), name);
    if (removed === 0) this.#entries++;
    // What stays in it is told already
    else if (removed === ENOTEMPTY && this.#holdsKept(path)) this.#kept.set(path, undefined);
    else if (removed !== ENOENT) this.#keep(path, errnoName(removed), 'remove');
  }

  #holdsKept(path: string): boolean {
    for (const kept of this.#kept.keys()) if (kept.startsWith(`${path}/`)) return true;
    return false;
  }

  #keep(path: string, cause: string, action: string): void {
    this.#kept.set(path, { path, cause, action });
  }
}

function isDirectoryIn(fd: number, name: string): boolean {
  return status.read(fd, nativeName(name)) === 0 && status.type === 'directory';
}
