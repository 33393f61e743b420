import { readlinkSync } from 'node:fs';
import { fromBytes } from '../../core/model/names.ts';
import { identityOfOpen } from '../../core/storage/posix/scan.ts';

/** A directory that is open, or was. */
export type GivenTree = { readonly given: string; readonly path: string; readonly inode: string };

/** An open directory as a tree of a run: its path as it is now, in which there is no symlink. */
export function treeAt(fd: number, given: string): GivenTree {
  const path = fromBytes(readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }));
  return { given, path, inode: identityOfOpen(fd).inode };
}
