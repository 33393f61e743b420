import { addTally, type DoneRange, type EntryOutcome, type PartOutcome } from '../core/model/outcome.ts';
import { addWays, type Way, type WayCounts } from '../core/model/ways.ts';
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

/** What of a group is recorded together. */
export type GroupRecord = Pick<GroupOutcome, 'ranges'> & Partial<Pick<GroupOutcome, 'notes' | 'ways'>>;

const checkpointBytes = 8 * 1024 ** 3;
/** Between two syncs lies at least this time, and as long as the last one took: measured, fewer leave more for the end. */
const syncPauseMs = 200;

/**
 * Collects outcomes and records them at checkpoints, each time after a sync of the destination: what a journal says is
 * on disk. A checkpoint is due after the time that the run asks for, or 8 GiB. While copying goes on, `keepUp` makes
 * them in the background, and syncs in between, so that little is left to write at the end.
 */
export class Recorder {
  readonly #target: RecorderTarget;
  #ranges: DoneRange[] = [];
  #records: JournalRecord[] = [];
  #notes = new Map<string, number>();
  #ways = new Map<Way, number>();
  #bytes = 0;
  #last = Date.now();
  #isSuperseded = false;
  #underWay: Promise<void> | undefined;
  #nextSync = Date.now() + syncPauseMs;
  /** Something was written since the last sync. */
  #isDirty = false;
  /** A sync or a record that failed in the background: from then on nothing is recorded. */
  #failure: Error | undefined;

  constructor(target: RecorderTarget) {
    this.#target = target;
  }

  get isSuperseded(): boolean {
    return this.#isSuperseded;
  }

  /** True when nothing can be recorded any more: the next checkpoint throws why. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  takeGroup(outcome: GroupRecord): void {
    for (const range of outcome.ranges) if (range.to > range.from) this.#ranges.push(range);
    for (const range of outcome.ranges) this.#bytes += range.copied.bytes;
    this.#isDirty ||= outcome.ranges.some(({ copied }) => copied.entries > 0);
    for (const [note, entries] of outcome.notes ?? [])
      this.#notes.set(note, (this.#notes.get(note) ?? 0) + entries);
    addWays(this.#ways, outcome.ways ?? new Map());
  }

  takeOutcome(outcome: EntryOutcome): void {
    this.#records.push({ type: 'entry', ...outcome });
  }

  takePart(part: PartOutcome, ways: WayCounts = new Map()): void {
    this.#records.push({ type: 'part', ...part });
    addWays(this.#ways, ways);
    this.#bytes += part.to - part.from;
    this.#isDirty = true;
  }

  takeRecord(record: JournalRecord): void {
    this.#records.push(record);
  }

  get isDue(): boolean {
    return this.#bytes >= checkpointBytes || Date.now() - this.#last >= this.#target.checkpointMs;
  }

  /** Begins in the background what is due, unless it is under way. To be called often; never throws. */
  keepUp(): void {
    if (this.#underWay !== undefined || this.hasFailed) return;
    if (!this.isDue && !(this.#isDirty && Date.now() >= this.#nextSync)) return;
    this.#underWay = this.#inBackground(this.isDue);
  }

  /** Resolves when what `keepUp` has begun is done. */
  get idle(): Promise<void> {
    return this.#underWay ?? Promise.resolve();
  }

  async #inBackground(isDue: boolean): Promise<void> {
    try {
      await (isDue ? this.#record() : this.#sync());
    } catch (error) {
      this.#failure = error as Error;
    }
    this.#underWay = undefined;
  }

  /**
   * Records what was taken so far, after what is under way. Nothing is recorded once a newer worker has the shard.
   * Throws what has failed, here or in the background.
   */
  async checkpoint(): Promise<void> {
    await this.idle;
    if (this.#failure !== undefined) throw this.#failure;
    await this.#record();
  }

  async #record(): Promise<void> {
    const records = this.#takeAll();
    await this.#sync();
    this.#isSuperseded ||= await this.#target.isSuperseded();
    if (!this.#isSuperseded) await this.#target.append(records);
    this.#last = Date.now();
  }

  async #sync(): Promise<void> {
    const start = Date.now();
    this.#isDirty = false;
    await this.#target.sync();
    this.#nextSync = Date.now() + Math.max(syncPauseMs, Date.now() - start);
  }

  #takeAll(): JournalRecord[] {
    const ranges = mergeRanges(this.#ranges).map((range): JournalRecord => ({ type: 'done', ...range }));
    const notes = [...this.#notes].map(([note, entries]): JournalRecord => ({ type: 'note', note, entries }));
    const ways = [...this.#ways].map(([way, files]): JournalRecord => ({ type: 'way', way, files }));
    const records = [...ranges, ...this.#records, ...notes, ...ways];
    [this.#ranges, this.#records, this.#notes, this.#ways] = [[], [], new Map(), new Map()];
    this.#bytes = 0;
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
