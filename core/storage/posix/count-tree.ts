import { joinPath } from '../../model/entry.ts';
import { DirectoryNames } from './directory-names.ts';
import { DirectoryStack } from './directory-stack.ts';
import { split } from './extras.ts';
import { FileStatus, withMount } from './file-status.ts';
import { lseek, SEEK_SET } from './libc.ts';
import { openExistingDirectory } from './open-directory.ts';
import { check, SystemError } from './system-error.ts';

export type TreeCount = {
  directories: number;
  others: number;
  /** Of files; one with several names counts with each. */
  bytes: number;
  /** Directories that could not be read, and those where another file system begins. */
  closed: number;
};

const status = new FileStatus();
const above = new FileStatus();
const names = new DirectoryNames();

/** Counts what is at a path below an open directory, in its own file system, following no symlink. Throws a SystemError when nothing is there. */
export function countTree(top: number, path: string): TreeCount {
  const count: TreeCount = { directories: 0, others: 0, bytes: 0, closed: 0 };
  const directories = new DirectoryStack(top, openExistingDirectory);
  above.readOpen(top, 'look at the directory', withMount);
  const pending: string[] = [];
  const take = (parent: number, child: string) => {
    check(status.read(parent, split(child)[1]), 'look at it');
    if (status.type === 'directory') pending.push(child);
    else {
      count.others++;
      if (status.type === 'file') count.bytes += status.bytes;
    }
  };
  try {
    take(directories.enter(split(path)[0]), path);
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      count.directories++;
      try {
        const fd = directories.enter(next);
        if (!status.readOpen(fd, 'look at it', withMount).isInMountOf(above)) {
          count.closed++;
          continue;
        }
        lseek(fd, 0, SEEK_SET);
        for (const { name, type } of names.read(fd)) {
          const child = joinPath(next, name);
          if (type === 'directory') pending.push(child);
          else take(fd, child);
        }
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        count.closed++;
      }
    }
    return count;
  } finally {
    directories.close();
  }
}
