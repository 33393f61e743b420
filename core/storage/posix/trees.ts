import { DirectoryStack } from './directory-stack.ts';
import { accessAcl, defaultAcl, hasDefaultAcl, removeAttribute } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import {
  AT_FDCWD,
  close,
  type NativeName,
  nativeName,
  O_CLOEXEC,
  O_DIRECTORY,
  O_RDONLY,
  openat,
} from './libc.ts';
import {
  followSourceDirectory,
  openExistingDirectory,
  openOrMakeDirectory,
  openSourceDirectory,
} from './open-directory.ts';
import { check, SystemError } from './system-error.ts';
import { removeLeftovers, type Writer } from './temporary-names.ts';

export type TreesRequest = {
  /** Absolute paths, as text that stands for bytes. Both must be there. */
  readonly source: string;
  readonly destination: string;
  /** The inode that the source had when it was scanned. */
  readonly sourceInode: string;
  readonly writer: Writer;
  /** True: directories of the source are also what symlinks lead to. */
  readonly followsSymlinks?: boolean;
  /** Entries whose temporary files, left by killed workers, are removed on the way; undefined on a first try. */
  readonly cleanUp: { readonly from: number; readonly to: number } | undefined;
};

/** Numbers as chown(2) takes them. */
export type Owner = { readonly uid: number; readonly gid: number };

/** What matters of an open directory of the destination for what is made in it. */
export type DirectoryFacts = {
  /** This process has made it: nothing can be in the way in it. */
  readonly isNew: boolean;
  readonly device: number;
  /** What is made in it inherits an ACL from it. */
  readonly hasDefaultAcl: boolean;
  /** What is made in it gets its group. */
  readonly givesGroup: boolean;
  /** Whose a file is that was just made in it; unknown before the first. */
  ownerOfNew?: Owner;
};

const status = new FileStatus();

/** The open source and destination, with the directories along the path last used. Throws a SystemError when one is missing. */
export class Trees {
  readonly sourceRoot: number;
  readonly destinationRoot: number;
  /** False when the source is not the directory that was scanned: then nothing in it counts as vanished. */
  readonly isSourceAsScanned: boolean;
  readonly #request: TreesRequest;
  readonly #sourceStatus = new FileStatus();
  readonly #source: DirectoryStack;
  readonly #destination: DirectoryStack;
  readonly #firsts: DirectoryStack;
  readonly #facts = new Map<number, DirectoryFacts>();

  constructor(request: TreesRequest) {
    this.#request = request;
    this.sourceRoot = openRoot(request.source, 'open the source');
    this.destinationRoot = openRoot(request.destination, 'open the destination');
    this.#sourceStatus.readOpen(this.sourceRoot, 'look at the source');
    this.#facts.set(
      this.destinationRoot,
      factsOf(this.destinationRoot, status.readOpen(this.destinationRoot, 'look at the destination')),
    );
    this.isSourceAsScanned = this.#sourceStatus.inode === request.sourceInode;
    this.#source = new DirectoryStack(
      this.sourceRoot,
      request.followsSymlinks ? followSourceDirectory : openSourceDirectory,
    );
    this.#destination = new DirectoryStack(this.destinationRoot, (parent, name) =>
      this.#openDestination(parent, name),
    );
    this.#firsts = new DirectoryStack(this.destinationRoot, openExistingDirectory);
    if (request.cleanUp !== undefined) this.#cleanUp(this.destinationRoot);
  }

  sourceDirectory(path: string): number {
    return this.#source.enter(path);
  }

  /** Makes what is missing on the way. */
  destinationDirectory(path: string): number {
    return this.#destination.enter(path);
  }

  /** A second way into the destination, for the other name of a hard link; makes nothing. */
  firstDirectory(path: string): number {
    return this.#firsts.enter(path);
  }

  /** Of a directory that `destinationDirectory` has opened. */
  factsOf(destinationDirectory: number): DirectoryFacts {
    return this.#facts.get(destinationDirectory)!;
  }

  close(): void {
    for (const stack of [this.#source, this.#destination, this.#firsts]) stack.close();
    close(this.sourceRoot);
    close(this.destinationRoot);
  }

  #openDestination(parent: number, name: NativeName): number {
    const { fd, isNew } = openOrMakeDirectory(parent, name);
    if (isNew) {
      this.#facts.set(fd, newIn(fd, this.#facts.get(parent)!));
      return fd;
    }
    if (status.readOpen(fd, 'look at destination directory').isSameFileAs(this.#sourceStatus)) {
      close(fd);
      throw new SystemError('INTO_SOURCE', 'open destination directory');
    }
    // Descriptor numbers come back after a close
    this.#facts.set(fd, factsOf(fd, status));
    if (this.#request.cleanUp !== undefined) this.#cleanUp(fd);
    return fd;
  }

  #cleanUp(directory: number): void {
    const { from, to } = this.#request.cleanUp!;
    removeLeftovers(directory, this.#request.writer, from, to);
  }
}

function factsOf(fd: number, { deviceNumber: device, mode }: FileStatus): DirectoryFacts {
  const givesGroup = (mode & 0o2000) !== 0;
  return { isNew: false, device, hasDefaultAcl: hasDefaultAcl(fd, device), givesGroup };
}

/** Drops the ACLs that a directory has inherited: they are not its source's, and would widen what is made in it. */
function newIn(fd: number, { device, hasDefaultAcl: inherits, givesGroup }: DirectoryFacts): DirectoryFacts {
  if (inherits) for (const name of [defaultAcl, accessAcl]) removeAttribute(fd, name);
  return { isNew: true, device, hasDefaultAcl: false, givesGroup };
}

function openRoot(path: string, action: string): number {
  return check(openat(AT_FDCWD, nativeName(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), action);
}
