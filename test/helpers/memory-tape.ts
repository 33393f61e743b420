import { costOf } from '../../core/model/cost.ts';
import { bytesOf, type Entry } from '../../core/model/entry.ts';
import { choosePartBytes, type Plan, shardsBetween, type Totals } from '../../core/model/plan.ts';
import { cutNear, type LocatedEntry, type TapeMark } from '../../core/model/tape.ts';

/** A tape that was never written: its lines are said to be 10 bytes long each. */
export type MemoryTape = {
  readonly entries: readonly LocatedEntry[];
  readonly totals: Totals;
  readonly start: TapeMark;
  readonly end: TapeMark;
};

const lineBytes = 10;

export function layTape(entries: readonly Entry[]): MemoryTape {
  let directory = 0;
  const located = entries.map((entry, ordinal): LocatedEntry => {
    const offset = ordinal * lineBytes;
    if (entry.kind === 'directory') directory = offset;
    return { ordinal, offset, next: offset + lineBytes, directory, entry };
  });
  const totals = totalsOf(entries);
  const start = { ordinal: 0, offset: 0, directory: 0, byte: 0, cost: 0, bytes: 0 };
  const { cost, bytes } = totals;
  const end = {
    ordinal: entries.length,
    offset: entries.length * lineBytes,
    directory,
    byte: 0,
    cost,
    bytes,
  };
  return { entries: located, totals, start, end };
}

/** The plan that cuts a tape into so many shards, each cut found by itself from the beginning of the tape. */
export function cutTape(tape: MemoryTape, shards: number, partBytes?: number): Plan {
  const { totals, start, end, entries } = tape;
  const bytesOfPart = partBytes ?? choosePartBytes(totals.cost / shards);
  const cuts = [start];
  for (let i = 1; i < shards; i++)
    cuts.push(cutNear(start, entries, (totals.cost * i) / shards, bytesOfPart));
  return { totals, partBytes: bytesOfPart, shards: shardsBetween([...cuts, end]) };
}

export function totalsOf(entries: readonly Entry[]): Totals {
  const sum = (of: (entry: Entry) => number) => entries.reduce((total, entry) => total + of(entry), 0);
  const number = (kind: Entry['kind']) => sum((entry) => (entry.kind === kind ? 1 : 0));
  return {
    entries: entries.length,
    bytes: sum(bytesOf),
    cost: sum(costOf),
    directories: number('directory'),
    files: number('file'),
    links: number('link'),
    symlinks: number('symlink'),
    specials: number('special'),
    unreadable: number('unreadable'),
  };
}
