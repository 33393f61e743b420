import type { Extra, Kept } from '../core/model/removal.ts';
import { findExtras } from '../core/run/find-extras.ts';
import type { DiffersLine } from '../core/run/journal-lines.ts';
import { rootsOf } from '../core/run/run-info.ts';
import { safeNamesOf } from '../core/run/safe-names.ts';
import type { TapeReader } from '../core/run/tape-reader.ts';
import { PosixExtras } from '../core/storage/posix/extras.ts';
import { openTrees } from './open-storage.ts';
import type { TaskContext } from './task-context.ts';

/**
 * What the directories with ordinals `[from, to)` have at the destination and not in the source; a directory with all below it is one.
 * Undefined is given now and then.
 */
export function* extrasIn(
  { info }: TaskContext,
  tape: TapeReader,
  range: { readonly from: number; readonly to: number },
): Generator<DiffersLine | undefined> {
  const { destination, filters } = info;
  const named = { roots: rootsOf(info), destination, filters };
  const request = { ...named, followsSymlinks: false, isSafe: safeNamesOf(info) };
  const extras = openTrees(() => new PosixExtras(request));
  try {
    for (const found of findExtras(tape, range, extras)) yield found && differenceOf(found);
  } finally {
    extras.close();
  }
}

function differenceOf(found: Extra | Kept): DiffersLine {
  const { path } = found;
  if (!('entries' in found))
    return { type: 'differs', path, kind: 'unreadable', detail: `${found.action}: ${found.cause}` };
  const holds = found.entries === 1 ? 'directory' : `directory, ${found.entries} entries`;
  return { type: 'differs', path, kind: 'extra', detail: found.kind === 'directory' ? holds : '' };
}
