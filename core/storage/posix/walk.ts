import type { Entry } from '../../model/entry.ts';
import { joinPath } from '../../model/entry.ts';
import { type DirectoryName, DirectoryNames } from './directory-names.ts';
import { DirectoryStack } from './directory-stack.ts';
import { FileStatus } from './file-status.ts';
import { HardLinkTable } from './hard-link-table.ts';
import {
  close,
  ENOENT,
  errnoName,
  nativeName,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  openat,
} from './libc.ts';
import { openSourceDirectory } from './open-directory.ts';
import { PendingDirectories } from './pending-directories.ts';
import { SystemError } from './system-error.ts';

/** Device and inode of a directory. */
export type Identity = { readonly device: string; readonly inode: string };

export type WalkOptions = {
  /** An open directory, the root of the walk. */
  readonly root: number;
  /** A file that may be made while the walk has very many directories before it. */
  readonly spillFile: string;
  /** Open every file for reading: one that cannot be opened is `unreadable`. */
  readonly probe: boolean;
  /** A directory that is passed over with all it holds (bcopy's own). */
  readonly passOver: Identity | undefined;
  /** Asked for every directory with this identity's inode number; throws to end the walk. */
  readonly forbidden: { readonly identity: Identity; readonly refuse: (path: string) => never } | undefined;
};

/**
 * Walks a tree once: each directory, then what is directly in it, then the directories in it. What cannot be read
 * is an `unreadable` entry, never an exception; what vanishes meanwhile is left out. Memory is fixed, but for the
 * table of files with several names. The same tree gives the same entries in the same order.
 */
export class TreeWalk {
  readonly #options: WalkOptions;
  readonly #names = new DirectoryNames();
  readonly #status = new FileStatus();
  readonly #links = new HardLinkTable();
  readonly #pending: PendingDirectories;
  #ordinal = 0;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#pending = new PendingDirectories(options.spillFile);
  }

  *entries(): Generator<Entry> {
    const stack = new DirectoryStack(this.#options.root, openSourceDirectory);
    this.#pending.push('');
    try {
      for (let path = this.#pending.pop(); path !== undefined; path = this.#pending.pop()) {
        for (const entry of this.#directory(stack, path)) {
          yield entry;
          this.#ordinal++;
        }
      }
    } finally {
      this.#pending.close();
      stack.close();
    }
  }

  *#directory(stack: DirectoryStack, path: string): Generator<Entry> {
    let fd: number;
    try {
      fd = stack.enter(path);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.cause === 'ENOENT') return;
      yield { kind: 'directory', path };
      yield { kind: 'unreadable', name: '', errno: error.cause };
      return;
    }
    yield { kind: 'directory', path };
    yield* this.#contents(fd, path);
  }

  *#contents(fd: number, path: string): Generator<Entry> {
    try {
      for (const found of this.#names.read(fd)) {
        if (found.type === 'directory') this.#enqueue(fd, path, found);
        else yield* this.#other(fd, path, found);
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      yield { kind: 'unreadable', name: '', errno: error.cause };
    }
  }

  #enqueue(parent: number, parentPath: string, found: DirectoryName): void {
    const path = joinPath(parentPath, found.name);
    const { passOver, forbidden } = this.#options;
    if (passOver !== undefined && this.#is(parent, found, passOver)) return;
    if (forbidden !== undefined && this.#is(parent, found, forbidden.identity)) forbidden.refuse(path);
    this.#pending.push(path);
  }

  /** Compares the inode number that the directory names, and looks at the device only if that is equal. */
  #is(parent: number, found: DirectoryName, identity: Identity): boolean {
    const inode = found.inodeHigh * 2 ** 32 + found.inodeLow;
    if (inode !== Number(identity.inode)) return false;
    const result = this.#status.read(parent, nativeName(found.name));
    return result === 0 && this.#status.inode === identity.inode && this.#status.device === identity.device;
  }

  *#other(parent: number, path: string, found: DirectoryName): Generator<Entry> {
    const name = nativeName(found.name);
    const result = this.#status.read(parent, name);
    if (result === ENOENT) return;
    if (result < 0) yield { kind: 'unreadable', name: found.name, errno: errnoName(result) };
    else if (this.#status.type === 'directory') this.#enqueue(parent, path, found);
    else yield this.#entry(parent, found.name);
  }

  #entry(parent: number, name: string): Entry {
    const status = this.#status;
    const { type } = status;
    if (this.#options.probe && type === 'file') {
      const result = probe(parent, name);
      if (result < 0) return { kind: 'unreadable', name, errno: errnoName(result) };
    }
    if (status.links > 1) {
      const first = this.#links.firstOf(status.device, status.inodeLow, status.inodeHigh, this.#ordinal);
      if (first !== undefined) return { kind: 'link', name, first };
    }
    if (type === 'file') return { kind: 'file', name, bytes: status.bytes };
    return type === 'symlink' ? { kind: 'symlink', name } : { kind: 'special', name };
  }
}

function probe(parent: number, name: string): number {
  const fd = openat(parent, nativeName(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd >= 0) close(fd);
  return fd === ENOENT ? 0 : fd;
}
