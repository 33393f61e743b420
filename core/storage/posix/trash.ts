import { trashDirectory } from '../../model/removal.ts';
import { DirectoryStack } from './directory-stack.ts';
import { split } from './extras.ts';
import { FileStatus } from './file-status.ts';
import { keepingFacts } from './keeping-facts.ts';
import {
  close,
  EACCES,
  EEXIST,
  ENOENT,
  type NativeName,
  nativeName,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
} from './libc.ts';
import { fchmod } from './libc-metadata.ts';
import { mkdirat } from './libc-names.ts';
import { renameToFree } from './libc-removal.ts';
import { openExistingDirectory, unlock } from './open-directory.ts';
import { me } from './ownership.ts';
import { check, SystemError } from './system-error.ts';

const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const status = new FileStatus();

/** Where a run keeps what it has taken away from its destination: each thing at the path that it had. */
export class Trash {
  readonly #root: number;
  readonly #destination: DirectoryStack;
  readonly #trash: DirectoryStack;

  private constructor(destinationRoot: number, root: number) {
    this.#root = root;
    this.#destination = new DirectoryStack(destinationRoot, openExistingDirectory);
    this.#trash = new DirectoryStack(root, (parent, name) => makeOwn(parent, name));
  }

  /** Makes it if need be, for this user only; the destination keeps its times. One of somebody else's is refused: throws a SystemError. */
  static make(destinationRoot: number, run: string): Trash {
    let root = -1;
    keepingFacts([destinationRoot], () => {
      const all = makeOwn(destinationRoot, trashDirectory);
      root = makeOwn(all, nativeName(run));
      close(all);
      return 0;
    });
    return new Trash(destinationRoot, root);
  }

  /** Takes a thing away, with all below it; false when there was none. Throws a SystemError when it stays. */
  take(path: string): boolean {
    const [directory, name] = split(path);
    const from = this.#destination.enter(directory);
    const moved = moveKept(from, this.#trash.enter(directory), name);
    if (moved === ENOENT && status.read(from, name) === ENOENT) return false;
    check(moved, 'move to the trash');
    return true;
  }

  close(): void {
    this.#trash.close();
    this.#destination.close();
    close(this.#root);
  }
}

/** Moves a name to the same in another directory, where nothing may have it. Both directories, and what is moved, stay as they are. */
export function moveKept(from: number, to: number, name: NativeName): number {
  return keepingFacts([from, to], () => {
    const moved = renameToFree(from, name, to);
    if (moved !== EACCES) return moved;
    // Whoever moves a directory writes to it: it has another parent
    const fd = openat(from, name, flags, 0);
    if (fd < 0) return moved;
    try {
      const { mode, uid } = status.readOpen(fd, 'look at destination directory');
      if ((mode & 0o200) !== 0 || uid !== me.uid) return moved;
      unlock(fd);
      const again = renameToFree(from, name, to);
      fchmod(fd, mode);
      return again;
    } finally {
      close(fd);
    }
  });
}

function makeOwn(parent: number, name: NativeName): number {
  const made = mkdirat(parent, name, 0o700);
  if (made !== EEXIST) check(made, 'make the trash');
  const opened = openOwn(parent, name);
  if (opened === undefined) throw new SystemError('ENOENT', 'open the trash');
  return opened;
}

/** Opens a directory of a trash; undefined when it is not there. One of somebody else's is refused: throws a SystemError. */
export function openOwn(parent: number, name: NativeName): number | undefined {
  const fd = openat(parent, name, flags, 0);
  if (fd === ENOENT) return undefined;
  check(fd, 'open the trash');
  if (status.readOpen(fd, 'look at the trash').uid === me.uid) return fd;
  close(fd);
  throw new SystemError('EACCES', 'use the trash of somebody else');
}
