import { FileStatus } from './file-status.ts';
import {
  AT_FDCWD,
  close,
  EEXIST,
  ELOOP,
  ENOTDIR,
  nativeName,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  openat,
} from './libc.ts';
import { mkdirat } from './libc-names.ts';
import { check } from './system-error.ts';

const passing = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const status = new FileStatus();

/**
 * Opens the root of a tree by its absolute path, in which there was no symlink when the copy was planned. Where there is one now,
 * this node may have another way to the same directory, or somebody may lead us astray: it is followed only
 * when `inode`, noted then, is that of the root, or of the directory that the root was to be made in. Throws a SystemError.
 */
export function openRoot(path: string, action: string, inode: string | undefined, access = O_RDONLY): number {
  const final = access | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const names = path.split('/').filter((name) => name !== '');
  const direct = walk(names, final);
  if (direct !== ENOTDIR && direct !== ELOOP) return check(direct, action);
  const parent = `/${names.slice(0, -1).join('/')}`;
  const followed = check(openat(AT_FDCWD, nativeName(path), final & ~O_NOFOLLOW, 0), action);
  if (hasInode(followed, inode)) return followed;
  close(followed);
  return check(openIn(parent, names.at(-1) ?? '.', inode, final), action);
}

/** The last name is not followed: only what leads to its directory. */
function openIn(parent: string, name: string, inode: string | undefined, final: number): number {
  const directory = openat(AT_FDCWD, nativeName(parent), passing & ~O_NOFOLLOW, 0);
  if (directory < 0) return directory;
  try {
    return hasInode(directory, inode) ? openat(directory, nativeName(name), final, 0) : ELOOP;
  } finally {
    close(directory);
  }
}

function hasInode(fd: number, inode: string | undefined): boolean {
  return status.readOpen(fd, 'look at a directory').inode === inode;
}

/** One name after another from `/`, following nothing; the negative errno of the first that cannot be opened. */
function walk(names: readonly string[], final: number): number {
  let directory = openat(AT_FDCWD, '/', names.length === 0 ? final : passing, 0);
  for (const [i, name] of names.entries()) {
    if (directory < 0) return directory;
    const next = openat(directory, nativeName(name), i === names.length - 1 ? final : passing, 0);
    close(directory);
    directory = next;
  }
  return directory;
}

/** Makes the root of the destination, mode 0700 unless another is given (less the umask), in the directory of the plan. False when it is there. Throws a SystemError. */
export function makeRoot(path: string, inode: string, mode = 0o700): boolean {
  const slash = path.lastIndexOf('/');
  const parent = openRoot(path.slice(0, slash), 'open the directory that it is to be in', inode, O_PATH);
  try {
    const made = mkdirat(parent, nativeName(path.slice(slash + 1)), mode);
    return made !== EEXIST && check(made, 'make it') === 0;
  } finally {
    close(parent);
  }
}
