import { addTally, type EntryOutcome, emptyTally, type Tally } from '../model/outcome.ts';
import { RangeSet } from '../model/ranges.ts';
import { addWays, type Way } from '../model/ways.ts';
import type { JournalSummary, ShardState } from './shard-state.ts';

/** What finish has done, by its newest journal; divided files and ways by all of them, since what is copied stays. */
export type FinishState = {
  copied: Tally;
  skipped: Tally;
  linked: Tally;
  outcomes: Map<number, EntryOutcome>;
  readonly files: Map<number, { outcome: 'copied' | 'skipped'; bytes: number }>;
  readonly ways: Map<Way, number>;
  notes: ReadonlyMap<string, number>;
  journal: JournalSummary | undefined;
  /** What it has gone through; directories and further names in it are done, but those of which it tells something else. */
  done: RangeSet;
};

export function newFinishState(): FinishState {
  const [copied, skipped, linked] = [emptyTally(), emptyTally(), emptyTally()];
  return {
    copied,
    skipped,
    linked,
    outcomes: new Map(),
    files: new Map(),
    ways: new Map(),
    notes: new Map(),
    journal: undefined,
    done: new RangeSet(),
  };
}

/** Ranges of finish pass over divided files, so what it told of one stands wherever its ranges lie. */
export function takeFinish(finish: FinishState, state: ShardState, told: FinishState['outcomes']): void {
  finish.copied = state.copied;
  finish.skipped = state.skipped;
  finish.linked = state.linked;
  finish.outcomes = told;
  finish.notes = state.notes;
  finish.done = state.done;
  addWays(finish.ways, state.ways);
  finish.journal = state.journals.at(-1);
}

/** A directory, or a further name of a file, that is not as it should be: it is no longer done. */
export function takeBackFromFinish(finish: FinishState, ordinal: number, entry: 'directory' | 'link'): void {
  if (!finish.done.delete(ordinal)) return;
  const tallies = entry === 'link' ? [finish.linked, finish.copied] : [finish.copied];
  const counted = tallies.find(({ entries }) => entries > 0) ?? finish.skipped;
  addTally(counted, { entries: -1, bytes: 0 });
}

/** One that was found to be as it should be after all. */
export function giveBackToFinish(finish: FinishState, ordinal: number): void {
  if (finish.done.add(ordinal, ordinal + 1).length > 0) addTally(finish.skipped, { entries: 1, bytes: 0 });
}
