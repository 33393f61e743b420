import { FileStatus, withBirth } from './file-status.ts';
import { close, ENOENT, nativeName } from './libc.ts';
import { openRoot } from './open-root.ts';
import { SystemError } from './system-error.ts';

const status = new FileStatus();

/**
 * Opens the root of a tree that is to go, if it is the one that was counted: not another that has got its name since, nor one
 * that is not mounted. Undefined when nothing has the name any more. Throws a SystemError.
 */
export function openDoomedTree(
  path: string,
  inode: string,
  identity: string | undefined,
): number | undefined {
  const root = openIfThere(path, inode);
  if (root === undefined) return undefined;
  status.readOpen(root, 'look at the directory', withBirth);
  const isMounted = status.isMountRoot;
  if (isSame(inode, identity) && !isMounted) return root;
  close(root);
  throw new SystemError(isMounted ? 'EXDEV' : 'SOURCE_ROOT', 'open the directory');
}

/** What the name in an open directory is now: the tree that was counted, another one, or nothing. */
export function lookAtDoomed(
  parent: number,
  name: string,
  inode: string,
  identity: string | undefined,
): 'same' | 'other' | 'nothing' {
  const found = status.read(parent, nativeName(name), withBirth);
  if (found === ENOENT) return 'nothing';
  return found === 0 && status.type === 'directory' && isSame(inode, identity) ? 'same' : 'other';
}

/** Inode and birth of an open directory; an inode number alone goes to another directory as soon as its own is gone. */
export function identityOfDoomed(directory: number): string {
  return status.readOpen(directory, 'look at the directory', withBirth).identity;
}

/** Not every node may tell the birth. */
function isSame(inode: string, identity: string | undefined): boolean {
  if (status.inode !== inode) return false;
  const told = [status.identity, identity ?? inode];
  return told.some((one) => !one.includes(':')) || told[0] === told[1];
}

function openIfThere(path: string, inode: string): number | undefined {
  try {
    return openRoot(path, 'open the directory', inode);
  } catch (error) {
    if (error instanceof SystemError && error.cause === 'ENOENT') return undefined;
    throw error;
  }
}
