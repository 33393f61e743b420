import { type FileHandle, open } from 'node:fs/promises';
import { format } from './files.ts';
import type { JournalEnd, JournalHeader, JournalLine, JournalRecord } from './journal-lines.ts';
import type { JournalName, RunPaths } from './run-paths.ts';

/**
 * One worker's journal: created by it, written by it alone, only ever appended to. Records are on disk when
 * `append` returns; a kill in the middle leaves at most one torn line at the end, which readers pass over.
 */
export class JournalWriter {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(
    paths: RunPaths,
    run: string,
    name: JournalName,
    job: string,
    phase?: JournalHeader['phase'],
    since?: JournalHeader['since'],
  ): Promise<JournalWriter> {
    // A worker that got the pid of its dead predecessor on the same host goes on in the same file
    const writer = new JournalWriter(await open(paths.journal(name), 'a', 0o600));
    const startedAt = new Date().toISOString();
    const more = { ...(phase === undefined ? {} : { phase }), ...(since === undefined ? {} : { since }) };
    await writer.#write([{ type: 'journal', format, run, ...name, job, ...more, startedAt }]);
    return writer;
  }

  async append(records: readonly JournalRecord[]): Promise<void> {
    if (records.length > 0) await this.#write(records);
  }

  /** Writes the end line and closes the file. */
  async end(reason: JournalEnd['reason']): Promise<void> {
    await this.#write([{ type: 'end', reason, at: new Date().toISOString() }]);
    await this.close();
  }

  /** Closes the file, after an append that is under way; without an end line it says that the worker was ended. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  async #write(lines: readonly JournalLine[]): Promise<void> {
    await this.#file.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await this.#file.sync();
  }
}
