import { joinPath } from '../../model/entry.ts';
import { DirectoryStack } from './directory-stack.ts';
import type { Identity } from './entry-rules.ts';
import { FileStatus } from './file-status.ts';
import type { NamedFile } from './hash-jobs.ts';
import { nativeName } from './libc.ts';
import { openSourceDirectory } from './open-directory.ts';
import { type FoundName, readSortedNames } from './sorted-names.ts';
import { SystemError } from './system-error.ts';

type Frame = { readonly directory: string; readonly names: readonly FoundName[]; at: number };
const status = new FileStatus();

export type SortedWalkOptions = {
  /** An open directory. */
  readonly root: number;
  /** A directory that is not looked at: bcopy's own. */
  readonly own: (Identity & { readonly name: string }) | undefined;
  /** Told of a directory that cannot be read. */
  readonly onUnreadable: (directory: string, why: string) => void;
};

/**
 * All of a tree but its directories, in the order of the bytes of their paths, as `LC_ALL=C sort` has them. Memory: the names of
 * the directories on the way.
 */
export function* walkSorted({ root, own, onUnreadable }: SortedWalkOptions): Generator<NamedFile> {
  const directories = new DirectoryStack(root, openSourceDirectory);
  const frames: Frame[] = [];
  const enter = (directory: string) => {
    try {
      const fd = directories.enter(directory);
      const names = readSortedNames(fd, 'paths').filter(
        ({ name, isDirectory }) => !isDirectory || own?.name !== name || !isSame(fd, name, own),
      );
      frames.push({ directory, names, at: 0 });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      onUnreadable(directory, error.cause);
    }
  };
  try {
    enter('');
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const found = frame.names[frame.at++];
      if (found === undefined) frames.pop();
      else if (found.isDirectory) enter(joinPath(frame.directory, found.name));
      else yield { directory: frame.directory, name: found.name };
    }
  } finally {
    directories.close();
  }
}

function isSame(fd: number, name: string, { device, inode }: Identity): boolean {
  return status.read(fd, nativeName(name)) >= 0 && status.device === device && status.inode === inode;
}
