import type { JournalRecord } from '../core/run/journal-lines.ts';
import { isSuperseded } from '../core/run/journal-reader.ts';
import type { JournalWriter } from '../core/run/journal-writer.ts';
import type { TaskContext } from './task-context.ts';

/** The bytes were not what either side holds: memory, or a disk, has answered differently. */
export const readOtherwise = 'read otherwise for the copy, and now the same on both sides';

/** So many are written at once, sooner than they are due. */
const recordsAtMost = 1000;

/** What a worker that compares has found, and records now and then: nothing has to be on disk before. */
export class VerifyRecords {
  readonly #context: TaskContext;
  readonly #journal: JournalWriter;
  readonly #everyMs: number;
  #waiting: JournalRecord[] = [];
  #last = Date.now();
  #isSuperseded = false;

  constructor(context: TaskContext, journal: JournalWriter) {
    [this.#context, this.#journal] = [context, journal];
    this.#everyMs = context.attempt.checkpointSeconds * 1000;
  }

  /** True when a newer worker has the shard: then nothing more is recorded. */
  get isSuperseded(): boolean {
    return this.#isSuperseded;
  }

  take(...records: readonly JournalRecord[]): void {
    this.#waiting.push(...records);
  }

  /** Notes files, or pieces of divided ones, whose copies had read something else than is now at both sides. */
  takeOtherwise(files: number): void {
    if (files > 0) this.take({ type: 'note', note: readOtherwise, entries: files });
  }

  /** To be called often: writes what is due. */
  async keepUp(): Promise<void> {
    if (this.#waiting.length >= recordsAtMost || Date.now() - this.#last >= this.#everyMs) await this.flush();
  }

  async flush(): Promise<void> {
    const records = this.#waiting.splice(0);
    this.#last = Date.now();
    this.#isSuperseded ||= await isSuperseded(this.#context.paths, this.#context.journal);
    if (!this.#isSuperseded) await this.#journal.append(records);
  }
}
