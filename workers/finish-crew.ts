import { classOf } from '../core/model/errno.ts';
import type { FinishedEntry, Storage } from '../core/storage/storage.ts';
import type { Engine, FinishBatch } from './engine.ts';
import { type Patience, tryAgain } from './retry.ts';

export type CrewParts = {
  readonly storage: Storage;
  readonly startEngine: (threads: number) => Engine;
  readonly takeNotes: (notes: ReadonlyMap<string, number>) => void;
  /** How many things there are to be done in all. */
  readonly expected: number;
  /** With what fails for a passing cause. */
  readonly patience: Patience;
  /** Milliseconds of a clock; left out: the time that passes. */
  readonly now?: () => number;
  /** How many threads there may be. */
  readonly threads: number;
  /** How many calls of the file system may wait at once; left out: as many as are useful. */
  readonly callsAtOnce?: number | undefined;
};

/** So many are done before it is decided whether threads would pay. */
const trial = 4;
/** What takes less is not waiting, and more threads on one CPU would not help. */
const slowMs = 1;
/** So many directories are looked at ahead, all at once. */
const aheadAtOnce = 64;
/** What is worth a thread: it takes this long to start. */
const startMs = 40;
const batchSize = 4;
/** So many things are waited for in vain; a storage that has failed for them fails for all. */
const givenUpAtMost = 10;

/**
 * Completes directories and makes further names: in this thread where that is quick, with others where it is slow and
 * much of it is left.
 */
export class FinishCrew {
  readonly #parts: CrewParts;
  #engine: Engine | undefined;
  #done = 0;
  /** How many were done, and how long they took, with what was looked at ahead once that is so. */
  #timed = 0;
  #givenUp = 0;
  #ms = 0;
  #looksAhead = false;

  constructor(parts: CrewParts) {
    this.#parts = parts;
  }

  /**
   * Does all of these, none of which waits for another, and says what became of each, in order. What fails for a
   * passing cause is tried again; when too much of it does, the storage is not waited for any more.
   */
  async run(batch: FinishBatch): Promise<FinishedEntry[]> {
    const finished = await this.#all(batch);
    for (const [i, one] of finished.entries())
      if (hasPassingFault(one)) finished[i] = await this.#again(batch[i]!, one);
    return finished;
  }

  async #again(one: FinishBatch[number], failed: FinishedEntry): Promise<FinishedEntry> {
    if (this.#givenUp >= givenUpAtMost) return failed;
    const again = async () => this.#here(one);
    const finished = await tryAgain(
      failed,
      again,
      (result) => !hasPassingFault(result),
      this.#parts.patience,
    );
    if (hasPassingFault(finished)) this.#givenUp++;
    return finished;
  }

  async #all(batch: FinishBatch): Promise<FinishedEntry[]> {
    const finished: FinishedEntry[] = [];
    let ahead = 0;
    while (finished.length < batch.length && this.#engine === undefined) {
      if (finished.length >= ahead) ahead = await this.#lookAhead(batch, finished.length);
      finished.push(this.#here(batch[finished.length]!));
      this.#engine = this.#helpers();
    }
    const rest = batch.slice(finished.length);
    const pieces = Array.from({ length: Math.ceil(rest.length / batchSize) }, (_, i) =>
      this.#elsewhere(rest.slice(i * batchSize, (i + 1) * batchSize)),
    );
    return finished.concat(...(await Promise.all(pieces)));
  }

  /** Looks at some of what comes next, once things have been slow; returns up to where. */
  async #lookAhead(batch: FinishBatch, from: number): Promise<number> {
    const { storage } = this.#parts;
    const isSlow = this.#looksAhead || (this.#timed > 0 && this.#ms / this.#timed >= slowMs);
    const next = batch.slice(from, from + aheadAtOnce);
    if (storage.lookAhead === undefined || !isSlow || next.length < 2) return from + 1;
    if (!this.#looksAhead) [this.#timed, this.#ms, this.#looksAhead] = [0, 0, true];
    const paths = next.flatMap((one) => ('firstPath' in one ? [] : [one.path]));
    await storage.lookAhead(paths, this.#parts.callsAtOnce);
    return from + next.length;
  }

  async close(): Promise<void> {
    await this.#engine?.close();
  }

  #here(one: FinishBatch[number]): FinishedEntry {
    const { storage } = this.#parts;
    const { now = milliseconds } = this.#parts;
    const start = now();
    const finished =
      'firstPath' in one ? storage.linkEntry(one) : storage.completeDirectory(one.ordinal, one.path);
    this.#ms += now() - start;
    this.#done++;
    this.#timed++;
    return finished;
  }

  async #elsewhere(batch: FinishBatch): Promise<readonly FinishedEntry[]> {
    const { finished, notes } = await this.#engine!.finish(batch);
    this.#parts.takeNotes(notes);
    return finished;
  }

  /** As many that starting them and the work together are shortest. */
  #helpers(): Engine | undefined {
    const { expected, threads, startEngine } = this.#parts;
    const each = this.#ms / this.#timed;
    if (this.#timed < trial || each < slowMs) return undefined;
    const wanted = Math.floor(Math.sqrt(((expected - this.#done) * each) / startMs));
    return wanted < 2 || threads < 2 ? undefined : startEngine(Math.min(threads, wanted));
  }
}

export function hasPassingFault(finished: FinishedEntry): boolean {
  return finished.kind === 'outcome' && classOf(finished.outcome.cause) === 'transient';
}

/** As performance.now() has them, which loads six modules of Node's when it is first called. */
function milliseconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
