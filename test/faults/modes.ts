import { makeDividedTree, makeSmallTree } from './small-tree.ts';
import type { Mode } from './sweep.ts';

const small = { on: 'destination', tree: makeSmallTree, shards: 1 } as const;
const divided = { ...small, tree: makeDividedTree, shards: 2 } as const;

/** All that is swept. What only looks is not killed: a kill there is one between two changes. */
export const modes: readonly Mode[] = [
  { name: 'SIGKILL before a change', ...small, kind: 'kill before', counted: 'changes' },
  { name: 'SIGKILL after a change', ...small, kind: 'kill after', counted: 'changes' },
  { name: 'EIO at a change', ...small, kind: 'once', error: 'EIO', counted: 'changes' },
  { name: 'EIO at a look', ...small, kind: 'once', error: 'EIO', counted: 'looks' },
  { name: 'ENOSPC from a change on', ...small, kind: 'no space', error: 'ENOSPC', counted: 'changes' },
  { name: 'EROFS from a change on', ...small, kind: 'from there on', error: 'EROFS', counted: 'changes' },
  { name: 'ENODEV from a look on', ...small, kind: 'from there on', error: 'ENODEV', counted: 'looks' },
  { name: 'EIO in the source', ...small, on: 'source', kind: 'once', error: 'EIO', counted: 'looks' },
  { name: 'ENODEV in the source', ...small, on: 'source', kind: 'once', error: 'ENODEV', counted: 'looks' },
  { name: 'SIGKILL while a file is divided', ...divided, kind: 'kill before', counted: 'changes' },
  { name: 'EIO while a file is divided', ...divided, kind: 'once', error: 'EIO', counted: 'all' },
  {
    name: 'ENOSPC while a file is divided',
    ...divided,
    kind: 'no space',
    error: 'ENOSPC',
    counted: 'changes',
  },
];
