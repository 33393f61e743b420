import { constants } from 'node:fs';
import { fromBytes, quoteName } from '../../core/model/names.ts';
import { close } from '../../core/storage/posix/libc.ts';
import { bytesOf, find, refusal } from './named-paths.ts';
import { openNamedTree } from './open-tree.ts';
import type { CheckedTrees } from './preflight.ts';

/** Two directories that are to be compared, neither of which is written to. What cannot be read is refused in a sentence. */
export function findReadableTrees(source: string, destination: string): CheckedTrees {
  const from = look(source, 'source');
  const to = look(destination, 'destination');
  return {
    roots: [{ name: '', given: source, path: fromBytes(from.path), inode: String(from.status.ino) }],
    destination: {
      given: destination,
      path: fromBytes(to.path),
      exists: true,
      isNew: false,
      identity: { device: to.status.dev, inode: to.status.ino },
    },
  };
}

function look(given: string, side: 'source' | 'destination'): ReturnType<typeof find> {
  close(openNamedTree(given, side));
  const kind = side === 'source' ? 'sourceUnreadable' : 'destinationUnwritable';
  const refuse = refusal(kind, `cannot read the ${side} ${quoteName(given)}`);
  return find(bytesOf(given), constants.R_OK | constants.X_OK, refuse);
}
