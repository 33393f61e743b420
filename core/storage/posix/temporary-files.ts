import { DirectoryNames } from './directory-names.ts';
import { DirectoryStack } from './directory-stack.ts';
import { FileStatus } from './file-status.ts';
import {
  AT_FDCWD,
  close,
  EACCES,
  nativeName,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
} from './libc.ts';
import { fchmod, futimens } from './libc-metadata.ts';
import { unlinkat } from './libc-names.ts';
import { openExistingDirectory, unlock } from './open-directory.ts';
import { SystemError } from './system-error.ts';
import { isTemporaryOf } from './temporary-names.ts';

const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const names = new DirectoryNames();
const status = new FileStatus();
const ofDirectory = new FileStatus();

export type TemporaryFilesRequest = {
  /** Absolute path of the destination, as text that stands for bytes. */
  readonly destination: string;
  /** The inode that it had when the run was planned or, when `isNew`, that of the directory it was made in. */
  readonly inode: string;
  readonly isNew: boolean;
  readonly run: string;
  /** False: they are only counted. */
  readonly removes: boolean;
};

/**
 * The temporary files of one run at its destination. No symlink is followed, nothing but names of that run is touched,
 * and a directory keeps its mode and times.
 */
export class TemporaryFiles {
  readonly #request: TemporaryFilesRequest;
  readonly #root: number;
  readonly #directories: DirectoryStack;
  /** What was removed, or would be. */
  files = 0;
  bytes = 0;
  /** Directories and files that are closed to this user, or have such a name and are no file. */
  refused = 0;
  #isUnlocked = false;

  private constructor(request: TemporaryFilesRequest, root: number) {
    this.#request = request;
    this.#root = root;
    this.#directories = new DirectoryStack(root, openExistingDirectory);
  }

  /** Undefined when the destination is not there any more, or is another directory. */
  static open(request: TemporaryFilesRequest): TemporaryFiles | undefined {
    const root = openat(AT_FDCWD, nativeName(request.destination), flags, 0);
    if (root < 0) return undefined;
    if (isSameDestination(root, request)) return new TemporaryFiles(request, root);
    close(root);
    return undefined;
  }

  /** In one directory, given by its path below the destination; one that is missing is no matter. */
  handle(directory: string): void {
    try {
      const fd = this.#directories.enter(directory);
      const leftovers = [...this.#leftoversIn(fd)];
      if (leftovers.length > 0) this.#keepingFacts(fd, () => this.#removeAll(fd, leftovers));
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      // A symlink or a file in its place is not the run's
      if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.cause)) this.refused++;
    }
  }

  close(): void {
    this.#directories.close();
    close(this.#root);
  }

  *#leftoversIn(fd: number): Generator<string> {
    for (const { name } of names.read(fd)) if (isTemporaryOf(this.#request.run, name)) yield name;
  }

  #removeAll(fd: number, leftovers: readonly string[]): void {
    for (const name of leftovers) {
      const isThere = status.read(fd, nativeName(name)) === 0;
      const isOwn = isThere && status.type !== 'directory';
      const { allocatedBytes, links } = status;
      if (isOwn && this.#remove(fd, name)) {
        this.files++;
        this.bytes += links > 1 ? 0 : allocatedBytes;
      } else if (isThere) this.refused++;
    }
  }

  #remove(fd: number, name: string): boolean {
    if (!this.#request.removes) return true;
    const removed = unlinkat(fd, nativeName(name), 0);
    if (removed !== EACCES) return removed === 0;
    // Finish has given the directory its mode already
    unlock(fd);
    this.#isUnlocked = true;
    return unlinkat(fd, nativeName(name), 0) === 0;
  }

  #keepingFacts(fd: number, work: () => void): void {
    const { mode } = ofDirectory.readOpen(fd, 'look at destination directory');
    const times = Uint8Array.from(ofDirectory.times);
    this.#isUnlocked = false;
    try {
      work();
    } finally {
      if (this.#isUnlocked) fchmod(fd, mode);
      // Refused to all but its owner
      if (this.#request.removes) futimens(fd, times);
    }
  }
}

function isSameDestination(root: number, { inode, isNew }: TemporaryFilesRequest): boolean {
  if (status.readOpen(root, 'look at the destination').inode === inode) return true;
  return isNew && status.read(root, '..') === 0 && status.inode === inode;
}
