import { readdirSync, readFileSync } from 'node:fs';
import { bytesOf, type Entry } from '../../core/model/entry.ts';
import { emptyTally, type Tally } from '../../core/model/outcome.ts';
import { type Plan, partsOf, wholeEntriesOf } from '../../core/model/plan.ts';
import type { JournalLine } from '../../core/run/journal-lines.ts';
import { type JournalName, parseJournalName, type RunPaths } from '../../core/run/run-paths.ts';
import type { PlacedEntry } from '../../core/run/tape-reader.ts';

type Fate = 'there' | 'failed' | 'vanished';
type Part = Extract<JournalLine, { type: 'part' }>;

/** What the journals say, entry by entry: slow, plain, and without any of the code that it is compared with. */
export type HandCount = {
  /** Of workers' entries and divided files, and of what finish failed at; what has none is left, or finish's. */
  readonly fates: ReadonlyMap<number, Fate>;
  /** What the newest finish counts as brought to an end. */
  readonly finished: Tally;
  /** A worker need not look at these again. */
  readonly isSettled: (shard: number, ordinal: number) => boolean;
  readonly parts: (shard: number, ordinal: number) => readonly Part[];
  /** Entries and parts of a shard that are still to be done by its workers. */
  readonly isLeft: (shard: number) => boolean;
  /** True when something of a shard failed, and was not done since. */
  readonly hasFailed: (shard: number) => boolean;
};

type Journal = { readonly name: JournalName; readonly lines: readonly JournalLine[] };

export function countByHand(paths: RunPaths, plan: Plan, entries: readonly PlacedEntry[]): HandCount {
  const journals = readAll(paths);
  const shards = plan.shards.map((_, number) =>
    journals.filter(({ name }) => name.shard === number).flatMap(({ lines }) => lines),
  );
  const shardFates = shards.map(fatesOf);
  const finishes = journals.filter(({ name }) => name.shard === 'finish');
  const newest = finishes.at(-1)?.lines ?? [];
  const named = finishes.flatMap(({ lines }) => ofType(lines, 'file').map(({ ordinal }) => ordinal));
  const parts = (shard: number, ordinal: number) =>
    ofType(shards[shard]!, 'part').filter((part) => part.ordinal === ordinal);
  const isSettled = (shard: number, ordinal: number) =>
    ['there', 'vanished'].includes(shardFates[shard]!.get(ordinal) ?? 'left');
  const fates = new Map<number, Fate>();
  for (const { ordinal, entry } of entries) {
    const said = ofType(newest, 'entry').findLast((line) => line.ordinal === ordinal)?.outcome;
    const byShards = isOfFinish(entry) ? [] : shardFates.flatMap((one) => one.get(ordinal) ?? []);
    const byWorkers = byShards.find((one) => one === 'vanished') ?? byShards[0];
    const fate = named.includes(ordinal) ? 'there' : (said ?? byWorkers);
    if (fate !== undefined) fates.set(ordinal, fate);
  }
  const isLeft = (number: number) => {
    const shard = plan.shards[number]!;
    const { from, to } = wholeEntriesOf(shard);
    for (const { ordinal, entry } of entries.slice(from, to))
      if (!isOfFinish(entry) && !isSettled(number, ordinal)) return true;
    return partsOf(shard).some(
      (part) =>
        !named.includes(part.ordinal) &&
        fates.get(part.ordinal) !== 'vanished' &&
        !isHad(parts(number, part.ordinal), part.from, part.to),
    );
  };
  const hasFailed = (shard: number) => [...shardFates[shard]!.values()].includes('failed');
  return { fates, finished: tallyOf(newest), isSettled, parts, isLeft, hasFailed };
}

function isOfFinish({ kind }: Entry): boolean {
  return kind === 'directory' || kind === 'link';
}

/** True when the newest of these parts, with others of the same version and home, fill the range. */
export function isHad(parts: readonly Part[], from: number, to: number | undefined): boolean {
  const last = parts.at(-1);
  if (last === undefined) return false;
  const alike = parts.filter((part) => part.version === last.version && part.temporary === last.temporary);
  const end = to ?? Number(last.version.split(':')[0]);
  let at = from;
  for (const part of alike.sort((a, b) => a.from - b.from)) if (part.from <= at) at = Math.max(at, part.to);
  return at >= end;
}

/** What a plan makes of its entries, by the names of the account. */
export function plannedOf(entries: readonly PlacedEntry[], wanted: (ordinal: number) => boolean): Tally {
  const sum = emptyTally();
  for (const { ordinal, entry } of entries) {
    if (!wanted(ordinal)) continue;
    sum.entries++;
    sum.bytes += bytesOf(entry);
  }
  return sum;
}

function readAll(paths: RunPaths): Journal[] {
  const named = readdirSync(paths.journals).flatMap((file) => {
    const name = parseJournalName(file);
    return name === undefined ? [] : [{ file, name }];
  });
  const sorted = named.sort(
    (a, b) =>
      a.name.attempt - b.name.attempt || a.name.restart - b.name.restart || (a.file < b.file ? -1 : 1),
  );
  return sorted.map(({ file, name }) => {
    const whole = readFileSync(`${paths.journals}/${file}`, 'utf8').split('\n').slice(0, -1);
    return { name, lines: whole.map((line) => JSON.parse(line) as JournalLine) };
  });
}

function fatesOf(lines: readonly JournalLine[]): Map<number, Fate> {
  const fates = new Map<number, Fate>();
  for (const line of lines) {
    if (line.type === 'done')
      for (let ordinal = line.from; ordinal < line.to; ordinal++) fates.set(ordinal, 'there');
    if (line.type === 'entry' && fates.get(line.ordinal) !== 'there') fates.set(line.ordinal, line.outcome);
  }
  return fates;
}

function tallyOf(lines: readonly JournalLine[]): Tally {
  const sum = emptyTally();
  for (const { copied, skipped, linked } of ofType(lines, 'done'))
    for (const { entries, bytes } of [copied, skipped, linked]) {
      sum.entries += entries;
      sum.bytes += bytes;
    }
  return sum;
}

function ofType<T extends JournalLine['type']>(lines: readonly JournalLine[], type: T) {
  return lines.filter((line): line is Extract<JournalLine, { type: T }> => line.type === type);
}
