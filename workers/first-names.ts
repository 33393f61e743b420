import type { EntryOutcome } from '../core/model/outcome.ts';
import type { Plan } from '../core/model/plan.ts';
import { wholeEntriesOf } from '../core/model/plan.ts';
import type { RunState } from '../core/run/run-state.ts';
import type { ShardState } from '../core/run/shard-state.ts';
import type { PlacedEntry, TapeReader } from '../core/run/tape-reader.ts';
import type { EntryGroup, FinishedEntry, LinkRequest, Storage } from '../core/storage/storage.ts';
import type { TaskContext } from './task-context.ts';

type Parts = {
  readonly context: TaskContext;
  readonly state: RunState;
  readonly storage: Storage;
  readonly tape: TapeReader;
};

type First =
  | { readonly kind: 'there'; readonly path: string }
  | { readonly kind: 'outcome'; readonly outcome: EntryOutcome; readonly placed: PlacedEntry }
  | { readonly kind: 'left' };

/**
 * What is to be done for further names of files: mostly a link to be made. When the first name vanished, the further name is copied in its stead and is
 * from then on the first; when it failed, so does the further name; while it is left to do, so is the further name.
 */
export function linkedFrom(parts: Parts): {
  link(placed: PlacedEntry, first: number): FinishedEntry | LinkRequest | undefined;
} {
  const instead = new Map<number, string>();

  function link(placed: PlacedEntry, ordinal: number): FinishedEntry | LinkRequest | undefined {
    const first = findFirst(parts, instead, ordinal);
    if (first.kind === 'left') return undefined;
    if (first.kind === 'outcome')
      return first.outcome.outcome === 'vanished'
        ? copyInstead(placed, first.placed)
        : failLike(placed, first.outcome);
    return { ordinal: placed.ordinal, path: placed.path, firstPath: first.path };
  }

  function copyInstead(placed: PlacedEntry, first: PlacedEntry): FinishedEntry {
    const result = parts.storage.copyGroup(groupFor(placed, first));
    const [outcome] = result.outcomes;
    if (outcome !== undefined) return { kind: 'outcome', outcome };
    instead.set(first.ordinal, placed.path);
    return { kind: result.ranges.some(({ copied }) => copied.entries > 0) ? 'copied' : 'skipped' };
  }

  return { link };
}

function failLike({ ordinal, path }: PlacedEntry, outcome: EntryOutcome): FinishedEntry {
  return { kind: 'outcome', outcome: { ...outcome, ordinal, path, bytes: 0 } };
}

function findFirst(
  { context, state, tape }: Parts,
  instead: ReadonlyMap<number, string>,
  ordinal: number,
): First {
  const replaced = instead.get(ordinal);
  if (replaced !== undefined) return { kind: 'there', path: replaced };
  const placed = tape.at(ordinal);
  if (state.finish.files.has(ordinal)) return { kind: 'there', path: placed.path };
  const shards = shardsAt(context.plan, ordinal).map((shard) => state.shards[shard]!);
  const outcome = state.finish.outcomes.get(ordinal) ?? outcomeByWorkers(shards, ordinal);
  if (outcome !== undefined) return { kind: 'outcome', outcome, placed };
  return shards.some(({ done }) => done.has(ordinal))
    ? { kind: 'there', path: placed.path }
    : { kind: 'left' };
}

/** A file that one worker found gone has vanished, also when another failed at its part. */
function outcomeByWorkers(shards: readonly ShardState[], ordinal: number): EntryOutcome | undefined {
  const told = shards.flatMap(({ outcomes }) => outcomes.get(ordinal) ?? []);
  return told.find(({ outcome }) => outcome === 'vanished') ?? told[0];
}

/** The shards that hold an entry, wholly or a part of it: found by halving. */
function shardsAt(plan: Plan, ordinal: number): number[] {
  let [low, high] = [0, plan.shards.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const { end } = plan.shards[middle]!;
    if (end.ordinal > ordinal || (end.ordinal === ordinal && end.byte > 0)) high = middle;
    else low = middle + 1;
  }
  const shards: number[] = [];
  for (let i = low; i < plan.shards.length && plan.shards[i]!.start.ordinal <= ordinal; i++) {
    const { to } = wholeEntriesOf(plan.shards[i]!);
    if (ordinal < to || plan.shards[i]!.end.byte > 0 || plan.shards[i]!.start.byte > 0) shards.push(i);
  }
  return shards;
}

/** A further name as an entry of its own, of the kind of its first name; its bytes are not planned, so none count. */
function groupFor({ ordinal, directoryPath, entry }: PlacedEntry, first: PlacedEntry): EntryGroup {
  const kinds = first.entry.kind === 'symlink' ? 's' : first.entry.kind === 'special' ? 'p' : 'f';
  const names = [entry.kind === 'link' ? entry.name : ''];
  const batch = {
    directory: directoryPath,
    ordinal,
    kinds,
    names,
    bytes: [0],
    errnos: new Map<number, string>(),
  };
  return { from: ordinal, to: ordinal + 1, batches: [batch] };
}
