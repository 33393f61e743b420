import { meaningOf } from '../../core/model/advice.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { type Extra, parseRemovalLimit, removableAtMost } from '../../core/model/removal.ts';
import { readRunInfo } from '../../core/run/run-info.ts';
import { extrasOf } from './removal-phase.ts';
import type { Copy, ReadyRun } from './submit-run.ts';

/** What --delete would remove if all were copied and nothing changed meanwhile. */
export type RemovalPreview = {
  readonly entries: number;
  readonly bytes: number;
  readonly atMost: number;
  /** Entries of the source that could not be read: then nothing goes. */
  readonly unreadable: number;
};

/** Looks at both trees now, and tells `onExtra` of everything that would go; undefined when nothing is to be removed. Removes nothing. */
export async function previewRemoval(
  copy: Copy,
  run: ReadyRun,
  onExtra: (extra: Extra) => Promise<void> = async () => {},
): Promise<RemovalPreview | undefined> {
  const { options } = copy;
  if (options.delete === undefined) return undefined;
  const { totals } = run.plan;
  const sum = { entries: 0, bytes: 0 };
  for await (const extra of extrasNow(copy, run)) {
    await onExtra(extra);
    sum.entries += extra.entries;
    sum.bytes += extra.bytes;
  }
  const limit = parseRemovalLimit(options.maxDelete)!;
  const atMost = removableAtMost(limit, totals.entries, sum.entries);
  return { ...sum, atMost, unreadable: totals.unreadable };
}

async function* extrasNow({ options, trees }: Copy, { paths, plan }: ReadyRun): AsyncGenerator<Extra> {
  if (!trees.destination.exists) return;
  const info = await readRunInfo(paths);
  try {
    for (const { found } of extrasOf({ paths, info, followsSymlinks: options.links === 'follow' }, plan))
      if ('entries' in found) yield found;
  } catch (error) {
    explain(error);
  }
}

function explain(error: unknown): never {
  const { cause, action } = error as { cause?: unknown; action?: unknown };
  if (typeof cause !== 'string' || typeof action !== 'string') throw error;
  throw new BcopyError(
    'destinationUnwritable',
    `cannot tell what would be removed: cannot ${action}: ${meaningOf(cause)}`,
  );
}
