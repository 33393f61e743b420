import { statSync } from 'node:fs';
import type { Candidate, Extra, IsSafe, Kept } from '../../core/model/removal.ts';
import { Removal, type RemovalRequest } from '../../core/storage/posix/removal.ts';
import { type Undone, undoTrash } from '../../core/storage/posix/undo-trash.ts';
import type { TwoTrees } from './storage-trees.ts';

/** Without `paths`: what is in the trash comes back. */
export type RemovalWork = {
  readonly request: Omit<RemovalRequest, 'isSafe'>;
  readonly paths?: readonly string[];
};

export function removalRequest(
  { source, destination }: Pick<TwoTrees, 'source' | 'destination'>,
  to: 'trash' | 'now',
): Omit<RemovalRequest, 'isSafe'> {
  const inodeOf = (path: string) => String(statSync(path, { bigint: true }).ino);
  return {
    run: 'r1',
    to,
    roots: [{ name: '', path: source, inode: inodeOf(source) }],
    destination: { path: destination, inode: inodeOf(destination), isNew: false },
    followsSymlinks: false,
  };
}

/** As a task does with what it has found. */
export function removeNames(removal: Removal, paths: readonly string[]): (Extra | Kept)[] {
  return paths.flatMap((path) => {
    const candidate: Candidate = { path, kind: path.endsWith('dir') ? 'directory' : 'other' };
    return [...removal.extras.extrasAt(candidate)].flatMap((one) =>
      'entries' in one ? [...removal.remove(one)] : [one],
    );
  });
}

export function removeFrom(
  trees: Pick<TwoTrees, 'source' | 'destination'>,
  to: 'trash' | 'now',
  paths: readonly string[],
  isSafe: IsSafe = () => false,
): (Extra | Kept)[] {
  const removal = new Removal({ ...removalRequest(trees, to), isSafe });
  try {
    return removeNames(removal, paths);
  } finally {
    removal.close();
  }
}

export function undoIn(trees: Pick<TwoTrees, 'source' | 'destination'>): Undone | undefined {
  return undoTrash(removalRequest(trees, 'trash').destination, 'r1');
}
