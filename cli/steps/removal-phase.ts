import { meaningOf } from '../../core/model/advice.ts';
import { type Plan, wholeEntriesOf } from '../../core/model/plan.ts';
import { type Extra, type Kept, parseRemovalLimit, removableAtMost } from '../../core/model/removal.ts';
import { formatCount, formatCounted } from '../../core/model/units.ts';
import type { DeleteWish } from '../../core/run/attempt-wishes.ts';
import { findExtras } from '../../core/run/find-extras.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { type RunInfo, rootsOf } from '../../core/run/run-info.ts';
import type { RunPaths } from '../../core/run/run-paths.ts';
import { safeNamesOf } from '../../core/run/safe-names.ts';
import { TapeReader } from '../../core/run/tape-reader.ts';
import { PosixExtras } from '../../core/storage/posix/extras.ts';

export type RemovalDecision =
  | { readonly kind: 'remove'; readonly shards: readonly number[]; readonly wish: DeleteWish }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refused'; readonly why: string };

export type CountRequest = {
  readonly paths: RunPaths;
  readonly info: RunInfo;
  readonly followsSymlinks: boolean;
};

/**
 * Counts what the source does not have before any of it goes, by looking at both trees now, and decides: only shards that
 * have something to remove are submitted, each with what it may remove at most, in all no more than the limit.
 */
export async function decideRemoval(request: CountRequest, wish: DeleteWish): Promise<RemovalDecision> {
  const { totals } = await readPlan(request.paths);
  if (totals.unreadable > 0)
    return refused(
      `${formatCounted(totals.unreadable, 'entry', 'entries')} of the source could not be read, and nobody knows what is there`,
    );
  const counted = await tryToCount(request);
  if (typeof counted === 'string') return refused(counted);
  const extras = [...counted.values()].reduce((sum, entries) => sum + entries, 0);
  if (counted.size === 0) return { kind: 'nothing' };
  const most = removableAtMost(parseRemovalLimit(wish.max) ?? { entries: 0 }, totals.entries, extras);
  if (extras > most) return refused(sayTooMany(extras, totals.entries + extras, most, wish.max));
  const spare = Math.floor((most - extras) / counted.size);
  const atMost = [...counted].map(([shard, entries]) => ({ shard, entries: entries + spare }));
  return { kind: 'remove', shards: [...counted.keys()], wish: { ...wish, atMost } };
}

/** Entries by shard, where there are any or something is in the way; or why that cannot be told. */
async function tryToCount(request: CountRequest): Promise<Map<number, number> | string> {
  try {
    return await countExtras(request);
  } catch (error) {
    const { cause, action } = error as { cause?: unknown; action?: unknown };
    if (typeof cause !== 'string' || typeof action !== 'string') throw error;
    return `cannot ${action}: ${meaningOf(cause)}`;
  }
}

/** Entries of each shard that would go, of shards that have any. Throws a SystemError when a tree is not that of the plan. */
export async function countExtras(request: CountRequest): Promise<Map<number, number>> {
  const plan = await readPlan(request.paths);
  const counted = new Map<number, number>();
  for (const { shard, found } of extrasOf(request, plan)) {
    const entries = 'entries' in found ? found.entries : 0;
    counted.set(shard, (counted.get(shard) ?? 0) + entries);
  }
  return counted;
}

/** Everything that would go or stays in the way, by the shards whose directories it is in. Throws a SystemError when a tree is not that of the plan. */
export function* extrasOf(
  { paths, info, followsSymlinks }: CountRequest,
  plan: Plan,
): Generator<{ readonly shard: number; readonly found: Extra | Kept }> {
  const { destination, filters } = info;
  const isSafe = safeNamesOf(info);
  const extras = new PosixExtras({ roots: rootsOf(info), destination, filters, followsSymlinks, isSafe });
  const tape = new TapeReader(paths);
  try {
    for (const [number, shard] of plan.shards.entries())
      for (const found of findExtras(tape, wholeEntriesOf(shard), extras))
        if (found !== undefined) yield { shard: number, found };
  } finally {
    tape.close();
    extras.close();
  }
}

function sayTooMany(extras: number, all: number, most: number, max: string): string {
  return `${formatCount(extras)} of ${formatCounted(all, 'entry', 'entries')} at the destination would be removed, and ${formatCount(most)} may be (--max-delete ${max})`;
}

function refused(why: string): RemovalDecision {
  return { kind: 'refused', why };
}
