import { accessSync, constants } from 'node:fs';
import type { SourceRoot } from '../../model/source-root.ts';
import { DirectoryStack } from './directory-stack.ts';
import { FileStatus } from './file-status.ts';
import { close, type NativeName, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, openat } from './libc.ts';
import { type DirectoryRules, openExistingDirectory } from './open-directory.ts';
import { openRoot } from './open-root.ts';
import { me } from './ownership.ts';
import { pinnedPath } from './pinned.ts';
import { type SourcePlace, SourceTree } from './source-tree.ts';
import { SystemError } from './system-error.ts';

export type LookedTreesRequest = {
  readonly roots: readonly SourceRoot[];
  /** Undefined: it is not there yet. */
  readonly destination: string | undefined;
  readonly destinationInode?: string | undefined;
  readonly followsSymlinks: boolean;
  readonly directoryRules: DirectoryRules;
};

/**
 * A directory of the destination for what a copy would put into it: open, not there, or with something else in its
 * place that would go. What `openOrMakeDirectory` would refuse is an error; `LOCKED` is one that it would open first.
 */
export type LookedDirectory = number | 'missing' | 'in the way' | SystemError;

const status = new FileStatus();
const heldFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/** The two trees of a copy, only to be looked at: nothing is made and no mode is changed. Throws a SystemError when a root of the source is missing. */
export class LookedTrees {
  readonly source: SourceTree;
  readonly #rules: DirectoryRules;
  readonly #destinationRoot: number | undefined;
  readonly #destination: DirectoryStack | undefined;
  /** Most entries are in the same directory as the one before. */
  #lastClosed: { readonly path: string | undefined; readonly isClosed: boolean } = {
    path: undefined,
    isClosed: false,
  };
  /** How many names down the last directory lies that could not be opened. */
  #failedAt = 0;

  constructor(request: LookedTreesRequest) {
    const { roots, destination, destinationInode, followsSymlinks } = request;
    this.#rules = request.directoryRules;
    this.source = new SourceTree(roots, followsSymlinks);
    if (destination === undefined) return;
    this.#destinationRoot = openRoot(destination, 'open the destination', destinationInode);
    this.#destination = new DirectoryStack(this.#destinationRoot, (parent, name, names) =>
      this.#open(parent, name, names),
    );
  }

  /** See SourceTree. */
  sourceDirectory(path: string): number {
    return this.source.directory(path);
  }

  sourcePlace(directory: string, name: string): SourcePlace {
    return this.source.place(directory, name);
  }

  destinationDirectory(path: string): LookedDirectory {
    const { makesNone, replacesNothing } = this.#rules;
    if (this.#destination === undefined) {
      const isMade = path === '' || makesNone !== true;
      return isMade ? 'missing' : new SystemError('ENOENT', 'open destination directory');
    }
    try {
      return this.#destination.enter(path);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.cause === 'ENOENT') return makesNone ? error : 'missing';
      if (replacesNothing || (error.cause !== 'ENOTDIR' && error.cause !== 'ELOOP')) return error;
      if (this.#failedAt === path.split('/').length) return 'in the way';
      return makesNone ? new SystemError('ENOENT', error.action) : 'missing';
    }
  }

  /** True where nothing can be made: by its mode, and it is not ours to be opened, or so it is above what is missing. */
  isClosed(path: string): boolean {
    if (me.uid === 0) return false;
    if (this.#lastClosed.path === path) return this.#lastClosed.isClosed;
    const there = this.destinationDirectory(path);
    const isClosed = typeof there === 'number' ? isForeign(there) : path !== '' && this.isClosed(above(path));
    this.#lastClosed = { path, isClosed };
    return isClosed;
  }

  close(): void {
    this.source.close();
    this.#destination?.close();
    if (this.#destinationRoot !== undefined) close(this.#destinationRoot);
  }

  #open(parent: number, name: NativeName, names: readonly string[]): number {
    this.#failedAt = names.length;
    try {
      const fd = openExistingDirectory(parent, name);
      if (!this.source.isRoot(status.readOpen(fd, 'look at destination directory'))) return fd;
      close(fd);
    } catch (error) {
      const isClosed = error instanceof SystemError && error.cause === 'EACCES';
      if (isClosed && isOwnDirectory(parent, name)) throw new SystemError('LOCKED', error.action);
      throw error;
    }
    throw new SystemError('INTO_SOURCE', 'open destination directory');
  }
}

/** To make something in it takes permission for a directory of somebody else's, as for his file to be replaced. */
function isForeign(directory: number): boolean {
  try {
    accessSync(pinnedPath(directory), constants.W_OK | constants.X_OK);
    return false;
  } catch {
    return status.readOpen(directory, 'look at destination directory').uid !== me.uid;
  }
}

function above(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function isOwnDirectory(parent: number, name: NativeName): boolean {
  const fd = openat(parent, name, heldFlags, 0);
  if (fd < 0) return false;
  const { uid } = status.readOpen(fd, 'look at destination directory');
  close(fd);
  return uid === me.uid;
}
