import { BcopyError } from '../../core/model/errors.ts';
import { quoteName } from '../../core/model/names.ts';
import { openRoot } from '../../core/storage/posix/open-root.ts';
import { openTree } from '../../core/storage/posix/open-tree.ts';
import { SystemError } from '../../core/storage/posix/system-error.ts';

const reasons = new Map([
  ['ENOENT', 'it does not exist'],
  ['ENOTDIR', 'it is not a directory'],
  ['EACCES', 'permission denied'],
]);

/** Opens a tree that is to be read: the source, or a destination as it is now. With `inode` it is that of a run, and must be the same. */
export function openNamedTree(given: string, side: 'source' | 'destination', inode?: string): number {
  try {
    return inode === undefined ? openTree(given) : openRoot(given, 'open', inode);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const why = reasons.get(error.cause) ?? error.cause;
    const kind = side === 'source' ? 'sourceUnreadable' : 'destinationUnwritable';
    throw new BcopyError(kind, `cannot read the ${side} ${quoteName(given)}: ${why}`);
  }
}
