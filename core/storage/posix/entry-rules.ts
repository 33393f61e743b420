import { joinPath } from '../../model/entry.ts';
import type { Stamp } from '../../model/stamp.ts';
import type { DirectoryNames } from './directory-names.ts';
import type { EntrySink } from './entry-sink.ts';
import { FileStatus } from './file-status.ts';
import { followSymlink } from './follow-symlink.ts';
import {
  close,
  ENOENT,
  errnoName,
  type NativeName,
  nativeName,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  openat,
} from './libc.ts';
import { Selection, type SelectionOptions } from './selection.ts';
import { rootOn, type WalkTop } from './walk-top.ts';

/** Device and inode of a directory. */
export type Identity = { readonly device: string; readonly inode: string };

export type RuleOptions = SelectionOptions & {
  /** Open every file for reading: one that cannot be opened is `unreadable`. */
  readonly probe: boolean;
  /** False: each name of a file is a file of its own. */
  readonly keepsLinks?: boolean;
  /** A symlink is what it leads to, also outside of the tree. Left out: it is itself. */
  readonly followsSymlinks?: boolean;
  /** A directory that is passed over with all it holds (bcopy's own). */
  readonly passOver: Identity | undefined;
  /** A directory that must not be met: the walk ends there. */
  readonly forbidden: Identity | undefined;
};

/** The directory that names are looked at in. */
export type OpenDirectory = { readonly fd: number; readonly path: string };

/** What names have led to: directories to be walked, and how many were left out. */
export type Found = { readonly directories: string[]; excluded: number };

/** A name that was looked at: what statx returned, or a probe that failed. */
export type Looked = { result: number; readonly status: FileStatus };

/** A directory that says so. */
const unlooked = { result: 0, status: undefined };

/** Thrown where the forbidden directory was met. */
export class ForbiddenDirectory extends Error {
  readonly path: string;

  constructor(path: string) {
    super('the walk must not come here');
    this.path = path;
  }
}

export const probeFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

/** What becomes of a name that a directory holds, in the same way wherever and in whatever order calls are made. */
export class EntryRules {
  readonly #options: RuleOptions & WalkTop;
  readonly #own = new FileStatus();
  readonly selection: Selection;

  constructor(options: RuleOptions & WalkTop) {
    this.#options = options;
    this.selection = new Selection(options);
  }

  /** True when the name in force is an entry only after a look at it; a directory that says so is not. */
  needsStatus(names: DirectoryNames): boolean {
    return names.type !== 'directory';
  }

  /** True when what was found has to be opened with `probeFlags`. */
  needsProbe(result: number, status: FileStatus): boolean {
    const isProbed = this.#options.probe && result === 0 && status.type === 'file';
    return isProbed && !this.selection.leavesOutBy(status);
  }

  /** What such an opening, which returned `fd`, means for `settle`. */
  probed(fd: number): number {
    return fd >= 0 || fd === ENOENT ? 0 : fd;
  }

  /** Gives the name in force to the sink, or to `found` when it is a directory. True of a file or symlink that was looked at under its own name. */
  settle(
    directory: OpenDirectory,
    names: DirectoryNames,
    looked: Looked | undefined,
    sink: EntrySink,
    found: Found,
  ): boolean {
    const { result, status } = looked ?? unlooked;
    const { selection } = this;
    // Of a name that is listed it is told that it is not there
    if (result === ENOENT && selection.listedIn(directory.path) === undefined) return false;
    if (status === undefined) this.#find(directory, names, found);
    else if (result === 0 && status.type === 'symlink' && this.#options.followsSymlinks)
      this.#follow(directory, names, sink, found);
    else if (selection.leavesOutSeen(directory, names, result, status)) found.excluded++;
    else if (result === ENOENT) sink.unreadable(names.buffer, names.start, 'MISSING');
    else if (result < 0) sink.unreadable(names.buffer, names.start, errnoName(result));
    else if (status.type === 'directory') this.#find(directory, names, found);
    else if (selection.holdsListed(directory, names))
      sink.unreadable(names.buffer, names.start, 'NO_DIRECTORY');
    else {
      this.#give(names, status, sink, this.#options.keepsLinks !== false);
      return status.type === 'file' || status.type === 'symlink';
    }
    return false;
  }

  /** What a symlink leads to, under its name. A file is one of its own there, whatever other names it has. */
  #follow(directory: OpenDirectory, names: DirectoryNames, sink: EntrySink, found: Found): void {
    const target = this.#own;
    const { fd: root, below } = rootOn(this.#options, directory.path);
    const symlink = { root, parent: directory.fd, directory: below, name: nativeName(names.name) };
    const failure = followSymlink(symlink, target);
    if (this.selection.leavesOutSeen(directory, names, failure === undefined ? 0 : ENOENT, target)) {
      found.excluded++;
      return;
    }
    const errno = failure ?? this.#unreadable(symlink.name, directory, target);
    if (errno !== undefined) sink.unreadable(names.buffer, names.start, errno);
    else if (target.type === 'directory') this.#findFollowed(joinPath(directory.path, names.name), found);
    else if (this.selection.holdsListed(directory, names))
      sink.unreadable(names.buffer, names.start, 'NO_DIRECTORY');
    else this.#give(names, target, sink, false);
  }

  /** A directory that a symlink leads to, of which the status was just read. */
  #findFollowed(path: string, found: Found): void {
    const { passOver, forbidden } = this.#options;
    if (passOver !== undefined && isOf(this.#own, passOver)) return;
    if (forbidden !== undefined && isOf(this.#own, forbidden)) throw new ForbiddenDirectory(path);
    found.directories.push(path);
  }

  #unreadable(name: NativeName, { fd: directory }: OpenDirectory, status: FileStatus): string | undefined {
    if (!this.needsProbe(0, status)) return undefined;
    const fd = openat(directory, name, probeFlags & ~O_NOFOLLOW, 0);
    if (fd >= 0) close(fd);
    const result = this.probed(fd);
    return result < 0 ? errnoName(result) : undefined;
  }

  #give({ buffer, start }: DirectoryNames, status: FileStatus, sink: EntrySink, hasLinks: boolean): void {
    const { type, links } = status;
    if (type === 'file') sink.file(buffer, start, status.bytes, this.#stampOf(status));
    else if (type === 'symlink') sink.symlink(buffer, start);
    else sink.special(buffer, start);
    if (links > 1 && hasLinks) {
      const { device, inodeLow, inodeHigh } = status;
      sink.severalNames({ device, inodeLow, inodeHigh, names: links });
    }
  }

  /** None of what no copy keeps whole: that has to be told each time. */
  #stampOf(status: FileStatus): Stamp | undefined {
    if (this.#options.takesStamps !== true) return undefined;
    return status.isImmutable || status.isAppendOnly ? undefined : status;
  }

  #find(directory: OpenDirectory, names: DirectoryNames, found: Found): void {
    const { passOver, forbidden } = this.#options;
    if (passOver !== undefined && this.#is(directory, names, passOver)) return;
    const path = joinPath(directory.path, names.name);
    if (forbidden !== undefined && this.#is(directory, names, forbidden)) throw new ForbiddenDirectory(path);
    found.directories.push(path);
  }

  /** Compares the inode number that the directory names, and looks at the device only if that is equal. */
  #is({ fd }: OpenDirectory, names: DirectoryNames, identity: Identity): boolean {
    // A name that is listed comes without one
    if (names.inode !== 0 && names.inode !== Number(identity.inode)) return false;
    const status = this.#own;
    const result = status.readAt(fd, names.address);
    return result === 0 && isOf(status, identity);
  }
}

function isOf({ inode, device }: FileStatus, identity: Identity): boolean {
  return inode === identity.inode && device === identity.device;
}
