import { FileStatus } from './file-status.ts';
import { close } from './libc.ts';
import { openRoot } from './open-root.ts';
import { SystemError } from './system-error.ts';

export type DestinationRequest = {
  /** Absolute path, as text that stands for bytes. */
  readonly path: string;
  /** The inode that it had when the run was planned or, when `isNew`, perhaps that of the directory it was made in. */
  readonly inode: string;
  readonly isNew: boolean;
};

const status = new FileStatus();

/** Opens the root of a destination in which something is to be removed: no other directory than that of the plan. Throws a SystemError. */
export function openPlannedDestination({ path, inode, isNew }: DestinationRequest): number {
  const root = openRoot(path, 'open the destination', inode);
  if (status.readOpen(root, 'look at the destination').inode === inode) return root;
  if (isNew && status.read(root, '..') === 0 && status.inode === inode) return root;
  close(root);
  throw new SystemError('DESTINATION_ROOT', 'open the destination');
}
