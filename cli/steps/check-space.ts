import { stat, statfs } from 'node:fs/promises';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';
import type { Totals } from '../../core/model/plan.ts';
import { type Space, sayTooLittle } from '../../core/model/space.ts';
import type { DestinationTree, SourceTree } from './preflight.ts';

/** File systems on which a copy within one takes no blocks of its own (statfs(2), linux/magic.h). */
const sharingTypes = new Set([0x9123683e, 0x58465342]);

export type SpaceCheck = {
  readonly source: SourceTree;
  readonly destination: DestinationTree;
  readonly totals: Totals;
  /** Too little room is told, and no reason to stop. */
  readonly force: boolean;
  readonly note: (message: string) => void;
};

/**
 * Compares what the plan takes with what the destination's file system has for this user. Too little ends a copy to a
 * new destination; where something is already it is only told, since what is there may not have to be copied again.
 */
export async function checkSpace({ source, destination, totals, force, note }: SpaceCheck): Promise<void> {
  const place = Buffer.from(toBytes(destination.path));
  const free = await freeAt(place, Buffer.from(toBytes(source.path)));
  const needed = { bytes: totals.bytes, inodes: totals.entries - totals.links };
  const missing = free === undefined ? undefined : sayTooLittle(needed, free);
  if (missing === undefined) return;
  if (force || !destination.isNew) {
    note(`${quoteName(destination.given)} may not have room for all: ${missing}`);
    return;
  }
  throw new BcopyError(
    'willNotFit',
    `cannot copy ${quoteName(source.given)} to ${quoteName(destination.given)}: ${missing}`,
    { hint: 'make room or choose another destination; with --force as much is copied as fits' },
  );
}

/** Undefined where the file system says nothing. Holes and shared blocks of the source cannot be told apart from data. */
async function freeAt(destination: Buffer, source: Buffer): Promise<Space | undefined> {
  const there = (await stat(destination).catch(() => undefined)) ? destination : parentOf(destination);
  try {
    const [system, at, from] = await Promise.all([statfs(there), stat(there), stat(source)]);
    const mayShare = at.dev === from.dev && sharingTypes.has(system.type);
    if (system.blocks === 0) return undefined;
    return {
      bytes: mayShare ? Number.POSITIVE_INFINITY : system.bavail * system.bsize,
      inodes: system.files === 0 ? undefined : system.ffree,
    };
  } catch {
    return undefined;
  }
}

function parentOf(path: Buffer): Buffer {
  return path.subarray(0, Math.max(1, path.lastIndexOf(0x2f)));
}
