import { DirectoryStack } from './directory-stack.ts';
import { split } from './extras.ts';
import { FileStatus, withMount } from './file-status.ts';
import { answerJobs } from './job-threads.ts';
import { close, type NativeName, nativeName } from './libc.ts';
import { unlinkat } from './libc-names.ts';
import { removeDirectory } from './libc-removal.ts';
import { type SharedLimits, setLimits, takeEntry } from './limits.ts';
import { openExistingDirectory, unlock } from './open-directory.ts';
import { me } from './ownership.ts';
import { SystemError } from './system-error.ts';

/** What a thread has to know to remove what is in a tree. The descriptor, of its root, is the whole process's. */
export type Unlinking = {
  readonly root: number;
  /** What all threads together may remove in a second; left out: as much as they can. */
  readonly limits?: SharedLimits | undefined;
};

/** Names in a directory that are none of directories; or directories that may be empty, each before those above it. */
export type UnlinkJob =
  | { readonly kind: 'names'; readonly directory: string; readonly names: readonly string[] }
  | { readonly kind: 'directories'; readonly paths: readonly string[] };

const status = new FileStatus();

/**
 * Removes what it is told from a tree that is to go whole: by descriptors, following no symlink and never into another file
 * system. A directory that is closed to its owner is opened for him.
 */
export class Unlinker {
  readonly #top: FileStatus;
  readonly #directories: DirectoryStack;

  constructor({ root }: Unlinking) {
    this.#top = new FileStatus().readOpen(root, 'look at the directory', withMount);
    this.#directories = new DirectoryStack(root, (parent, name) => this.#open(parent, name));
  }

  /** Which of a job are not gone by this, by their places in it, ascending. Why is not told, and nothing is thrown: whoever comes last has to see. */
  unlink(job: UnlinkJob): number[] {
    return job.kind === 'names' ? this.#names(job.directory, job.names) : this.#emptied(job.paths);
  }

  close(): void {
    this.#directories.close();
  }

  #names(directory: string, names: readonly string[]): number[] {
    const fd = this.#enter(directory);
    return leftOf(names, (name) => (fd === undefined ? -1 : unlinkat(fd, nativeName(name), 0)));
  }

  #emptied(paths: readonly string[]): number[] {
    return leftOf(paths, (path) => {
      const [directory, name] = split(path);
      const fd = this.#enter(directory);
      return fd === undefined ? -1 : removeDirectory(fd, name);
    });
  }

  #enter(directory: string): number | undefined {
    try {
      return this.#directories.enter(directory);
    } catch (error) {
      if (error instanceof SystemError) return undefined;
      throw error;
    }
  }

  #open(parent: number, name: NativeName): number {
    const fd = openExistingDirectory(parent, name);
    try {
      const { mode, uid } = status.readOpen(fd, 'look at the directory', withMount);
      if (!status.isInMountOf(this.#top)) throw new SystemError('EXDEV', 'remove');
      if ((mode & 0o300) !== 0o300 && uid === me.uid) unlock(fd);
      return fd;
    } catch (error) {
      close(fd);
      throw error;
    }
  }
}

/** The body of a thread that removes. */
export function answerUnlinks(port: Parameters<typeof answerJobs>[0], unlinking: Unlinking): void {
  setLimits(unlinking.limits);
  const unlinker = new Unlinker(unlinking);
  answerJobs(
    port,
    (job) => unlinker.unlink(job as UnlinkJob),
    () => unlinker.close(),
  );
}

function leftOf(items: readonly string[], remove: (item: string) => number): number[] {
  const left: number[] = [];
  for (const [at, item] of items.entries()) {
    takeEntry();
    if (remove(item) !== 0) left.push(at);
  }
  return left;
}
