import type { SourceRoot } from '../../model/source-root.ts';
import { DirectoriesAhead } from './directories-ahead.ts';
import { DirectoryStack } from './directory-stack.ts';
import { accessAcl, defaultAcl, hasDefaultAcl, knowsAcls, removeAttribute } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import { close, type NativeName } from './libc.ts';
import { narrowDirectory } from './narrow-directory.ts';
import { type DirectoryRules, openExistingDirectory, openOrMakeDirectory } from './open-directory.ts';
import { openRoot } from './open-root.ts';
import { me } from './ownership.ts';
import { type SourcePlace, SourceTree } from './source-tree.ts';
import { SystemError } from './system-error.ts';
import { removeLeftovers, type Writer } from './temporary-names.ts';

export type TreesRequest = {
  /** Absolute paths, as text that stands for bytes. Both must be there. */
  readonly source: string;
  readonly destination: string;
  /** The inode that the source had when it was scanned. */
  readonly sourceInode: string;
  /** What is copied in place of `source`. Left out: its content. */
  readonly roots?: readonly SourceRoot[] | undefined;
  /** The inode that the destination had when the copy was planned, or the directory that it was to be made in. */
  readonly destinationInode?: string;
  readonly writer: Writer;
  /** True: directories of the source are also what symlinks lead to. */
  readonly followsSymlinks?: boolean;
  /** Left out: directories are made where they are missing, in place of what stands there. */
  readonly directoryRules?: DirectoryRules;
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
  /** What is made in it inherits an ACL from it, or might: whose it is can give it one at any moment. */
  readonly hasDefaultAcl: boolean;
  /** What is made in it gets its group. */
  readonly givesGroup: boolean;
  /** Whose a file is that was just made in it; unknown before the first. */
  ownerOfNew?: Owner;
};

const status = new FileStatus();

/** The open source and destination, with the directories along the path last used. Throws a SystemError when one is missing. */
export class Trees {
  readonly destinationRoot: number;
  readonly source: SourceTree;
  readonly #request: TreesRequest;
  readonly #destination: DirectoryStack;
  readonly #firsts: DirectoryStack;
  readonly #facts = new Map<number, DirectoryFacts>();
  #ahead: DirectoriesAhead | undefined;

  constructor(request: TreesRequest) {
    this.#request = request;
    this.source = new SourceTree(rootsOf(request), request.followsSymlinks);
    this.destinationRoot = openRoot(request.destination, 'open the destination', request.destinationInode);
    this.#facts.set(
      this.destinationRoot,
      factsOf(this.destinationRoot, status.readOpen(this.destinationRoot, 'look at the destination')),
    );
    this.#destination = new DirectoryStack(this.destinationRoot, (parent, name, names) =>
      this.#openDestination(parent, name, names),
    );
    this.#firsts = new DirectoryStack(this.destinationRoot, openExistingDirectory);
    if (!this.source.isVirtual) narrowDirectory(this.destinationRoot, this.source.directory(''));
    if (request.cleanUp !== undefined) this.#cleanUp(this.destinationRoot);
  }

  /** See SourceTree: `directory`, and `place` for an entry. */
  sourceDirectory(path: string): number {
    return this.source.directory(path);
  }

  sourcePlace(directory: string, name: string): SourcePlace {
    return this.source.place(directory, name);
  }

  /** Makes what is missing on the way. To be entered after the source's, so that what was there already is narrowed to it. */
  destinationDirectory(path: string): number {
    return this.#destination.enter(path);
  }

  /** A second way into the destination, for the other name of a hard link; makes nothing. */
  firstDirectory(path: string): number {
    return this.#firsts.enter(path);
  }

  /** Finds out about directories at both sides that are entered next, many at once, where each call takes long. */
  async lookAhead(paths: readonly string[], atOnce?: number): Promise<void> {
    if (this.source.isVirtual) return;
    this.#ahead ??= this.#newAhead(atOnce);
    await this.#ahead.look(paths);
  }

  /** Of a directory that `destinationDirectory` has opened. */
  factsOf(destinationDirectory: number): DirectoryFacts {
    return this.#facts.get(destinationDirectory)!;
  }

  close(): void {
    for (const stack of [this.source, this.#destination, this.#firsts]) stack.close();
    void this.#ahead?.close();
    close(this.destinationRoot);
  }

  #newAhead(atOnce: number | undefined): DirectoriesAhead {
    const { followsSymlinks = false } = this.#request;
    const source = this.source.directory('');
    const ahead = new DirectoriesAhead(source, this.destinationRoot, followsSymlinks, atOnce);
    this.source.ahead = (path) => ahead.take('source', path);
    return ahead;
  }

  #openDestination(parent: number, name: NativeName, names: readonly string[]): number {
    const ahead = this.#ahead?.take('destination', names.join('/'));
    const { fd, isNew } =
      ahead === undefined
        ? openOrMakeDirectory(parent, name, this.#request.directoryRules)
        : { fd: ahead, isNew: false };
    if (isNew) {
      this.#facts.set(fd, newIn(fd, this.#facts.get(parent)!));
      return fd;
    }
    if (this.source.isRoot(status.readOpen(fd, 'look at destination directory'))) {
      close(fd);
      throw new SystemError('INTO_SOURCE', 'open destination directory');
    }
    // Descriptor numbers come back after a close
    this.#facts.set(fd, factsOf(fd, status));
    const source = this.source.openAlong(names);
    if (source !== undefined) narrowDirectory(fd, source);
    if (this.#request.cleanUp !== undefined) this.#cleanUp(fd);
    return fd;
  }

  #cleanUp(directory: number): void {
    const { from, to } = this.#request.cleanUp!;
    removeLeftovers(directory, this.#request.writer, from, to);
  }
}

function rootsOf({ source: path, sourceInode: inode, roots }: TreesRequest): readonly SourceRoot[] {
  return roots ?? [{ name: '', path, inode }];
}

function factsOf(fd: number, directory: FileStatus): DirectoryFacts {
  const { deviceNumber: device, mode } = directory;
  const givesGroup = (mode & 0o2000) !== 0;
  return { isNew: false, device, hasDefaultAcl: mayGiveAcl(fd, directory), givesGroup };
}

function mayGiveAcl(fd: number, { deviceNumber: device, uid }: FileStatus): boolean {
  return hasDefaultAcl(fd, device) || (uid !== me.uid && uid !== 0 && knowsAcls(device));
}

/** Drops the ACLs that a directory has inherited: they are not its source's, and would widen what is made in it. */
function newIn(fd: number, { device, hasDefaultAcl: inherits, givesGroup }: DirectoryFacts): DirectoryFacts {
  if (inherits) for (const name of [defaultAcl, accessAcl]) removeAttribute(fd, name);
  // Somebody may have been quick and put one of his in its place
  const mayBeGiven = mayGiveAcl(fd, status.readOpen(fd, 'look at destination directory'));
  return { isNew: true, device, hasDefaultAcl: mayBeGiven, givesGroup };
}
