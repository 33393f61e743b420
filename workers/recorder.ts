import { addTally, type DoneRange, type EntryOutcome, type PartOutcome } from '../core/model/outcome.ts';
import type { JournalRecord } from '../core/run/journal-lines.ts';
import type { GroupOutcome } from '../core/storage/storage.ts';

/** What a recorder writes to: a journal, and the destination that must be on disk first. */
export type RecorderTarget = {
  readonly sync: () => Promise<void>;
  readonly append: (records: readonly JournalRecord[]) => Promise<void>;
  /** True when a newer worker has this shard: then nothing more may be recorded. */
  readonly isSuperseded: () => Promise<boolean>;
  readonly checkpointMs: number;
};

const checkpointBytes = 8 * 1024 ** 3;

/**
 * Collects outcomes and records them at checkpoints, each time after a sync of the destination: what a journal says is
 * on disk. A checkpoint is due after the time that the run asks for, or 8 GiB.
 */
export class Recorder {
  readonly #target: RecorderTarget;
  #ranges: DoneRange[] = [];
  #records: JournalRecord[] = [];
  #notes = new Map<string, number>();
  #bytes = 0;
  #last = Date.now();
  #isSuperseded = false;

  constructor(target: RecorderTarget) {
    this.#target = target;
  }

  get isSuperseded(): boolean {
    return this.#isSuperseded;
  }

  takeGroup(outcome: Pick<GroupOutcome, 'ranges' | 'notes'>): void {
    for (const range of outcome.ranges) if (range.to > range.from) this.#ranges.push(range);
    for (const range of outcome.ranges) this.#bytes += range.copied.bytes;
    for (const [note, entries] of outcome.notes)
      this.#notes.set(note, (this.#notes.get(note) ?? 0) + entries);
  }

  takeOutcome(outcome: EntryOutcome): void {
    this.#records.push({ type: 'entry', ...outcome });
  }

  takePart(part: PartOutcome): void {
    this.#records.push({ type: 'part', ...part });
    this.#bytes += part.to - part.from;
  }

  takeRecord(record: JournalRecord): void {
    this.#records.push(record);
  }

  get isDue(): boolean {
    return this.#bytes >= checkpointBytes || Date.now() - this.#last >= this.#target.checkpointMs;
  }

  /** Records what was taken so far. Nothing is recorded once a newer worker has the shard. */
  async checkpoint(): Promise<void> {
    const records = this.#takeAll();
    await this.#target.sync();
    this.#isSuperseded ||= await this.#target.isSuperseded();
    if (!this.#isSuperseded) await this.#target.append(records);
    this.#last = Date.now();
  }

  #takeAll(): JournalRecord[] {
    const ranges = mergeRanges(this.#ranges).map((range): JournalRecord => ({ type: 'done', ...range }));
    const notes = [...this.#notes].map(([note, entries]): JournalRecord => ({ type: 'note', note, entries }));
    const records = [...ranges, ...this.#records, ...notes];
    [this.#ranges, this.#records, this.#notes, this.#bytes] = [[], [], new Map(), 0];
    return records;
  }
}

/** Joins ranges that touch, so that a long run of successes is one record. */
export function mergeRanges(ranges: readonly DoneRange[]): DoneRange[] {
  const merged: DoneRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last?.to === range.from) merged[merged.length - 1] = joined(last, range);
    else merged.push(range);
  }
  return merged;
}

function joined(first: DoneRange, second: DoneRange): DoneRange {
  const [copied, skipped, linked] = [{ ...first.copied }, { ...first.skipped }, { ...first.linked }];
  addTally(copied, second.copied);
  addTally(skipped, second.skipped);
  addTally(linked, second.linked);
  return { from: first.from, to: second.to, copied, skipped, linked };
}
