import { beginningsOf, type Plan } from '../model/plan.ts';
import { RangeSet } from '../model/ranges.ts';
import type { Kept } from '../model/removal.ts';
import { journalCheck } from './journal-check.ts';
import { listJournals, readJournal } from './journal-reader.ts';
import type { RunPaths } from './run-paths.ts';
import type { GoneLine } from './unlink-lines.ts';

/** What journals say about a tree that is to go. */
export type UnlinkedState = {
  /** By shard: entries that need not be tried again. */
  readonly done: readonly RangeSet[];
  /** What has gone, as far as it is recorded: who was killed may have removed more. */
  readonly entries: number;
  readonly bytes: number;
  /** What the newest finish has told: what stays, and that it has come to its end. */
  readonly stays: readonly Kept[];
  readonly gone: GoneLine | undefined;
};

export async function readUnlinked(paths: RunPaths, plan: Plan): Promise<UnlinkedState> {
  const done = plan.shards.map(() => new RangeSet());
  const state = { entries: 0, bytes: 0, stays: [] as Kept[], gone: undefined as GoneLine | undefined };
  for (const { file, name } of await listJournals(paths)) {
    const shard = name.shard === 'finish' ? undefined : done[name.shard];
    for (const line of readJournal(file, journalCheck(plan, name))) {
      if (line.type === 'unlinked') {
        shard?.add(line.from, line.to);
        state.entries += line.entries;
        state.bytes += line.bytes;
      } else if (line.type === 'gone') {
        state.gone = line;
        state.entries += line.entries;
      } else if (line.type === 'stays') state.stays.push(line);
      else if (line.type === 'journal' && name.shard === 'finish')
        [state.stays, state.gone] = [[], undefined];
    }
  }
  return { done, ...state };
}

/** The shards that tasks have not gone through, ascending. */
export function shardsToUnlink(plan: Plan, { done }: Pick<UnlinkedState, 'done'>): number[] {
  return [...plan.shards.keys()].filter((number) => {
    const { from, to } = beginningsOf(plan.shards[number]!);
    return !done[number]!.covers(from, to);
  });
}
