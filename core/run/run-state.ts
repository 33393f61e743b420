import { type Account, accountOf } from '../model/account.ts';
import { bytesOf } from '../model/entry.ts';
import { addTally, type EntryOutcome, emptyTally, type PartOutcome } from '../model/outcome.ts';
import { dividedFiles, type Plan } from '../model/plan.ts';
import { addWays, type Way, type WayCounts } from '../model/ways.ts';
import { damaged } from './files.ts';
import type { FinishState } from './finish-state.ts';
import { journalCheck } from './journal-check.ts';
import { listJournals, readJournal } from './journal-reader.ts';
import type { Removals } from './removals.ts';
import type { RunPaths } from './run-paths.ts';
import type { ShardState } from './shard-state.ts';
import { StateBuilder } from './state-builder.ts';
import { TapeReader } from './tape-reader.ts';
import type { Verification } from './verification.ts';

/** The state of a run, computed from its journals; nothing else is believed. */
export type RunState = {
  readonly shards: readonly ShardState[];
  readonly finish: FinishState;
  readonly notes: ReadonlyMap<string, number>;
  readonly ways: WayCounts;
  readonly removals: Removals;
  readonly verification: Verification;
};

/**
 * Reads all journals of a run (or of one shard and of finish only, for the worker that takes the shard up; and what others have found to differ of
 * a divided file that they share with it).
 */
export async function readRunState(paths: RunPaths, plan: Plan, onlyShard?: number): Promise<RunState> {
  const builder = new StateBuilder(plan);
  const sharing = onlyShard === undefined ? undefined : shardsSharingWith(plan, onlyShard);
  for (const { file, name } of await listJournals(paths)) {
    const isWanted = onlyShard === undefined || name.shard === onlyShard || name.shard === 'finish';
    if (!isWanted && !sharing!.has(name.shard as number)) continue;
    const check = journalCheck(plan, name);
    if (check === undefined) throw damaged(file, undefined, 'the plan has no such shard');
    builder.take(name, readJournal(file, check), ({ phase }) => isWanted || phase === 'verify');
  }
  const { shards, finish, removals, verification } = builder;
  settleDisputes(paths, shards);
  const everybody = [...shards, finish];
  return { shards, finish, notes: sumNotes(everybody), ways: sumWays(everybody), removals, verification };
}

function shardsSharingWith(plan: Plan, shard: number): Set<number> {
  return new Set([...dividedFiles(plan).values()].filter((shards) => shards.includes(shard)).flat());
}

/** Counts what two workers at once did, by the tape: each entry once, as copied. */
function settleDisputes(paths: RunPaths, shards: readonly ShardState[]): void {
  if (shards.every((shard) => shard.disputed.length === 0)) return;
  const tape = new TapeReader(paths);
  try {
    for (const shard of shards) {
      for (const { from, to } of shard.disputed) {
        for (const { entry } of tape.between(from, to)) {
          const isWorkers = entry.kind !== 'directory' && entry.kind !== 'link';
          if (isWorkers) addTally(shard.copied, { entries: 1, bytes: bytesOf(entry) });
        }
      }
    }
  } finally {
    tape.close();
  }
}

function sumNotes(states: readonly { readonly notes: ReadonlyMap<string, number> }[]): Map<string, number> {
  const notes = new Map<string, number>();
  for (const state of states)
    for (const [note, entries] of state.notes) notes.set(note, (notes.get(note) ?? 0) + entries);
  return notes;
}

function sumWays(states: readonly { readonly ways: WayCounts }[]): WayCounts {
  const ways = new Map<Way, number>();
  for (const state of states) addWays(ways, state.ways);
  return ways;
}

/** The books of a run: planned = copied + skipped + linked + failed + vanished + left, in entries and bytes. */
export function accountOfRun(plan: Plan, state: RunState): Account {
  const [copied, skipped, linked] = [emptyTally(), emptyTally(), emptyTally()];
  const byOutcome = { failed: emptyTally(), vanished: emptyTally() };
  for (const part of [...state.shards, state.finish]) {
    addTally(copied, part.copied);
    addTally(skipped, part.skipped);
  }
  addTally(linked, state.finish.linked);
  for (const { outcome, bytes } of outcomesOf(state)) addTally(byOutcome[outcome], { entries: 1, bytes });
  for (const { outcome, bytes } of state.finish.files.values()) {
    addTally(outcome === 'copied' ? copied : skipped, { entries: 1, bytes });
  }
  return accountOf(plan.totals, { copied, skipped, linked, ...byOutcome });
}

/** Every entry that failed or vanished, once: what finish says goes before what workers said, and vanished before failed. */
export function* outcomesOf(state: RunState): Generator<EntryOutcome> {
  const told = new Set(state.finish.files.keys());
  yield* untold([state.finish], told, () => true);
  yield* untold(state.shards, told, ({ outcome }) => outcome === 'vanished');
  yield* untold(state.shards, told, () => true);
}

function* untold(
  states: readonly { readonly outcomes: ReadonlyMap<number, EntryOutcome> }[],
  told: Set<number>,
  isWanted: (outcome: EntryOutcome) => boolean,
): Generator<EntryOutcome> {
  for (const { outcomes } of states) {
    for (const outcome of outcomes.values()) {
      if (!isWanted(outcome) || told.has(outcome.ordinal)) continue;
      told.add(outcome.ordinal);
      yield outcome;
    }
  }
}

/** All recorded parts of a divided file, in the order in which they were recorded. */
export function partsOfFile(state: RunState, shards: readonly number[], ordinal: number): PartOutcome[] {
  return shards.flatMap((shard) => state.shards[shard]!.parts.filter((part) => part.ordinal === ordinal));
}

/** The shards that a next attempt has to cover, ascending. */
export function shardsWithWorkLeft(plan: Plan, state: RunState): number[] {
  const divided = dividedFiles(plan);
  const torn = tornFiles(divided, state);
  const isFileSettled = (ordinal: number) =>
    state.finish.files.has(ordinal) || hasVanished(state, divided.get(ordinal)!, ordinal);
  const left: number[] = [];
  plan.shards.forEach((shard, number) => {
    const isLeft = state.shards[number]!.hasWorkLeft(shard, isFileSettled);
    if (isLeft || torn.has(number)) left.push(number);
  });
  return left;
}

/** The shards of divided files whose parts do not make one file: of different versions, in different temporary files, or refused by finish. */
function tornFiles(divided: ReadonlyMap<number, readonly number[]>, state: RunState): Set<number> {
  const torn = new Set<number>();
  for (const [ordinal, shards] of divided) {
    if (state.finish.files.has(ordinal) || hasVanished(state, shards, ordinal)) continue;
    const homes = new Set(shards.map((shard) => homeOf(state.shards[shard]!, ordinal)));
    if (homes.size > 1 || state.finish.outcomes.has(ordinal)) for (const shard of shards) torn.add(shard);
  }
  return torn;
}

/** True when a divided file is gone from the source: finish found that, or one of the workers that hold a part of it. */
export function hasVanished(state: RunState, shards: readonly number[], ordinal: number): boolean {
  const last = state.finish.outcomes.get(ordinal);
  const said = last === undefined ? shards.map((shard) => state.shards[shard]!) : [state.finish];
  return said.some(({ outcomes }) => outcomes.get(ordinal)?.outcome === 'vanished');
}

/** Which file the newest part in a shard is a piece of: the version at the source, and where its bytes are. */
function homeOf(shard: ShardState, ordinal: number): string | undefined {
  const part = shard.parts.findLast((candidate) => candidate.ordinal === ordinal);
  return part && `${part.version} ${part.temporary}`;
}
