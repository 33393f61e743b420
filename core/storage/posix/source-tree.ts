import { directoryOfRoot, hasVirtualTop, rootAbove, type SourceRoot } from '../../model/source-root.ts';
import { DirectoryStack, type OpenChild } from './directory-stack.ts';
import { FileStatus } from './file-status.ts';
import { close, type NativeName, nativeName, O_PATH, O_RDONLY } from './libc.ts';
import { followSourceDirectory, openSourceDirectory } from './open-directory.ts';
import { openRoot } from './open-root.ts';
import { SystemError } from './system-error.ts';

/** An entry of the source: an open directory, and the name in it. */
export type SourcePlace = { readonly directory: number; readonly name: NativeName };

/** How threads that only read find entries of a source. */
export type SourceDirectories = Pick<SourceTree, 'isVirtual' | 'place' | 'close'>;

const action = 'open the source';
const noDirectory = -1;
/** What says that a root is not where it was. */
const gone = ['ENOENT', 'ENOTDIR', 'ELOOP'];

/**
 * What a run copies, by the paths that its entries have on the tape: one directory, or roots below a top that is
 * none. Only read. Directories along the path last asked for stay open. Throws a SystemError when a root is missing.
 */
export class SourceTree {
  /** True when the top is no directory of the source. */
  readonly isVirtual: boolean;
  readonly #roots: ReadonlyMap<string, SourceRoot>;
  readonly #statuses = new Map<string, FileStatus>();
  readonly #top: number;
  readonly #stack: DirectoryStack;
  /** What has opened directories already: it gives a descriptor of one, or undefined. */
  ahead: ((path: string) => number | undefined) | undefined;

  constructor(roots: readonly SourceRoot[], followsSymlinks = false) {
    this.isVirtual = hasVirtualTop(roots);
    this.#roots = new Map(roots.map((root) => [root.name, root]));
    const open = followsSymlinks ? followSourceDirectory : openSourceDirectory;
    const openChild: OpenChild = (parent, name, names) => this.ahead?.(names.join('/')) ?? open(parent, name);
    if (this.isVirtual) for (const root of roots) close(this.#open(root));
    this.#top = this.isVirtual ? noDirectory : this.#open(roots[0]!);
    this.#stack = new DirectoryStack(this.#top, this.isVirtual ? this.#belowVirtual(openChild) : openChild);
  }

  /** The open directory at a path of the tape, until the next call. A virtual top is none: what is in it has a place of its own. */
  directory(path: string): number {
    return this.#stack.enter(path);
  }

  /**
   * Where an entry of a directory of the tape is: what is directly below a virtual top may be anywhere, under another name, and a
   * directory there is `.` in itself. It holds until the next call.
   */
  place(directory: string, name: string): SourcePlace {
    if (directory !== '' || !this.isVirtual)
      return { directory: this.directory(directory), name: nativeName(name) };
    const root = this.#roots.get(name);
    if (root === undefined) throw new SystemError('ENOENT', 'look at source');
    const own = root.isFile ? root.path.slice(root.path.lastIndexOf('/') + 1) : '.';
    return { directory: this.directory(name), name: nativeName(own) };
  }

  /** See DirectoryStack. */
  openAlong(names: readonly string[]): number | undefined {
    return this.#stack.openAlong(names);
  }

  /** False when what holds a path is not what was scanned: then nothing in it counts as vanished. */
  isAsScanned(path: string): boolean {
    const root = rootAbove(this.#roots, path);
    return root === undefined || this.#statuses.get(root.name)?.inode === root.inode;
  }

  /** True when every root is what was scanned. */
  get isWhollyAsScanned(): boolean {
    return [...this.#roots.values()].every(({ name, inode }) => this.#statuses.get(name)?.inode === inode);
  }

  /** On which file system the root is that holds a path of the tape. */
  deviceOf(path: string): string | undefined {
    const root = rootAbove(this.#roots, path);
    return root && this.#statuses.get(root.name)?.device;
  }

  /** True of the status of a directory that is copied as a whole. */
  isRoot(status: FileStatus): boolean {
    for (const [name, root] of this.#statuses)
      if (!this.#roots.get(name)!.isFile && status.isSameFileAs(root)) return true;
    return false;
  }

  close(): void {
    this.#stack.close();
    if (this.#top !== noDirectory) close(this.#top);
  }

  /** The first step of a path leads to its root, which stays open as long as the path goes through it. */
  #belowVirtual(openChild: OpenChild): OpenChild {
    return (parent, name, names) =>
      names.length === 1 ? this.#reopen(this.#roots.get(names[0]!)) : openChild(parent, name, names);
  }

  #reopen(root: SourceRoot | undefined): number {
    if (root === undefined) throw new SystemError('ENOENT', 'open source directory');
    try {
      return this.#open(root);
    } catch (error) {
      // It was there when the tree was opened
      if (error instanceof SystemError && gone.includes(error.cause))
        throw new SystemError('SOURCE_ROOT', action);
      throw error;
    }
  }

  #open(root: SourceRoot): number {
    const { name, inode, isFile } = root;
    const fd = openRoot(directoryOfRoot(root), action, inode, isFile ? O_PATH : O_RDONLY);
    const status = this.#statuses.get(name) ?? new FileStatus();
    this.#statuses.set(name, status.readOpen(fd, 'look at the source'));
    return fd;
  }
}

/** Only what was scanned: a source that is not mounted would look empty. Throws a SystemError. */
export function openScannedSource(roots: readonly SourceRoot[], followsSymlinks = false): SourceTree {
  const source = new SourceTree(roots, followsSymlinks);
  if (source.isWhollyAsScanned) return source;
  source.close();
  throw new SystemError('SOURCE_ROOT', action);
}

/** Entries of a directory that is open already, and stays open. */
export function openedSource(top: number): SourceDirectories {
  const stack = new DirectoryStack(top, openSourceDirectory);
  return {
    isVirtual: false,
    place: (directory, name) => ({ directory: stack.enter(directory), name: nativeName(name) }),
    close: () => stack.close(),
  };
}
