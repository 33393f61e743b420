import { fromBytes } from '../../core/model/names.ts';
import type { SourceRoot } from '../../core/model/source-root.ts';
import { type GivenDestination, isNewAt, readDestination, readFileDestination } from './given-destination.ts';
import { nameOf, readSource, refuseEqualNames, refuseOverlaps } from './given-sources.ts';
import { join, split, statusOf } from './named-paths.ts';
import { type NamedSource, refuseNesting } from './nesting.ts';

export type GivenRoot = SourceRoot & { readonly given: string };

export type DestinationTree = {
  readonly given: string;
  readonly path: string;
  readonly exists: boolean;
  /** Nothing is in it: it does not exist yet, or is empty. */
  readonly isNew: boolean;
  /** The directory itself, or the one it will be made in. */
  readonly identity: { readonly device: bigint; readonly inode: bigint };
};

/** What is copied, and where to. */
export type CheckedTrees = { readonly roots: readonly GivenRoot[]; readonly destination: DestinationTree };

/**
 * Looks at all that is named before anything is made: that sources are directories or files which this user can read, that the
 * destination is one this user can write or can be made, and that nothing would be copied into itself. One directory is copied with its
 * content; of several sources, and of a file, each gets a name in the destination. Trees are
 * compared by device and inode, so other names for the same directory are recognised.
 */
export function checkTrees(given: readonly string[], destination: string): CheckedTrees {
  const found = given.map(readSource);
  refuseOverlaps(found);
  const [only] = found.length === 1 ? found : [];
  const isFile = only?.isDirectory === false;
  const to = isFile ? readFileDestination(destination) : readDestination(destination);
  const newName = to.newName && fromBytes(to.newName);
  const sources = found.map((source) => ({
    ...source,
    name: only?.isDirectory === true ? '' : (newName ?? nameOf(source)),
  }));
  const roots = sources.map(rootOf);
  refuseEqualNames(roots);
  refuseNesting(sources, to, destination);
  return { roots, destination: treeOf(to, destination) };
}

function rootOf({ name, path, given, isDirectory, status }: NamedSource): GivenRoot {
  const root = { name, path: fromBytes(path), given };
  if (isDirectory) return { ...root, inode: String(status.ino) };
  return { ...root, inode: String(statusOf(split(path).parent)?.ino ?? 0), isFile: true };
}

function treeOf({ directory, name }: GivenDestination, given: string): DestinationTree {
  const path = name === undefined ? directory.path : join(directory.path, name);
  return {
    given,
    path: fromBytes(path),
    exists: name === undefined,
    isNew: name !== undefined || isNewAt(path, given),
    identity: { device: directory.status.dev, inode: directory.status.ino },
  };
}
