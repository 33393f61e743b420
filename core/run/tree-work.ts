import type { Account } from '../model/account.ts';
import { emptyTally, type Tally } from '../model/outcome.ts';
import { beginningsOf, type Plan } from '../model/plan.ts';
import type { Attempt } from './attempt-file.ts';
import { type HashedState, readHashed, shardsToHash } from './hashed-state.ts';
import type { RunInfo } from './run-info.ts';
import type { RunPaths } from './run-paths.ts';
import { readUnlinked, shardsToUnlink, type UnlinkedState } from './unlinked-state.ts';

/** What the tasks of an attempt that hashes, or removes a tree, have come to. */
export type TreeWork = (
  | { readonly kind: 'hash'; readonly hashed: HashedState }
  | { readonly kind: 'remove'; readonly unlinked: UnlinkedState }
) & {
  /** Shards whose tasks have not gone through all that they had to, ascending. */
  readonly left: readonly number[];
  /** True when nothing of it is left to do: the manifest is made, the tree is gone. */
  readonly isWhole: boolean;
};

/** Undefined of an attempt that does something else. */
export async function readTreeWork(
  paths: RunPaths,
  plan: Plan,
  attempt: Attempt | undefined,
): Promise<TreeWork | undefined> {
  if (attempt?.phase === 'hash') {
    const hashed = await readHashed(paths, plan, attempt.manifest?.since ?? attempt.attempt);
    const isWhole = hashed.made !== undefined && hashed.made.why === undefined;
    return { kind: 'hash', hashed, left: shardsToHash(plan, hashed), isWhole };
  }
  if (attempt?.phase !== 'remove') return undefined;
  const unlinked = await readUnlinked(paths, plan);
  return {
    kind: 'remove',
    unlinked,
    left: shardsToUnlink(plan, unlinked),
    isWhole: unlinked.gone?.stays === 0,
  };
}

/**
 * The books of a run that copies nothing: `copied` is what was hashed, or what has gone. Undefined of a run that copies, or
 * compares.
 */
export function accountOfTree(
  plan: Plan,
  { purpose }: RunInfo,
  work: TreeWork | undefined,
): Account | undefined {
  if (purpose !== 'manifest' && purpose !== 'remove') return undefined;
  const none = emptyTally();
  const { entries, bytes } = plan.totals;
  const planned = { entries, bytes };
  const { copied, failed } =
    work?.kind === 'hash'
      ? talliesOfHashed(plan, work.hashed)
      : talliesOfRemoved(planned, work?.unlinked, work?.isWhole === true);
  const left = {
    entries: Math.max(0, entries - copied.entries - failed.entries),
    bytes: Math.max(0, bytes - copied.bytes),
  };
  return { planned, copied, skipped: none, linked: none, failed, vanished: none, left };
}

/** Bytes are those that were read; when all is read, those that were planned. */
function talliesOfHashed(plan: Plan, { shards }: HashedState): { copied: Tally; failed: Tally } {
  const { entries, bytes } = plan.totals;
  const copied = emptyTally();
  const failed = emptyTally();
  for (const [number, { done, unhashed, bytes: read }] of shards.entries()) {
    const { from, to } = beginningsOf(plan.shards[number]!);
    const missing = done.missingIn(from, to).reduce((sum, gap) => sum + gap.to - gap.from, 0);
    copied.entries += Math.max(0, to - from) - missing;
    copied.bytes += read;
    failed.entries += unhashed.size;
  }
  const isAll = copied.entries === entries;
  return { copied: { ...copied, bytes: isAll ? bytes : Math.min(copied.bytes, bytes) }, failed };
}

function talliesOfRemoved(
  planned: Tally,
  unlinked: UnlinkedState | undefined,
  isWhole: boolean,
): { copied: Tally; failed: Tally } {
  const gone = { entries: unlinked?.entries ?? 0, bytes: unlinked?.bytes ?? 0 };
  const copied = isWhole
    ? planned
    : { entries: Math.min(gone.entries, planned.entries), bytes: Math.min(gone.bytes, planned.bytes) };
  const stays = Math.min(unlinked?.gone?.stays ?? 0, planned.entries - copied.entries);
  return { copied, failed: { entries: stays, bytes: 0 } };
}
