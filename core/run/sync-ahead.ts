import { closeSync, fdatasync } from 'node:fs';

const bytesAtOnce = 4 * 1024 ** 2;

/** Syncs a file while it is written, in the background, so that little is left to be written at its end. */
export class SyncAhead {
  readonly #file: number;
  #syncedTo = 0;
  #isSyncing = false;
  #isClosed = false;
  #failure: Error | undefined;

  constructor(file: number) {
    this.#file = file;
  }

  /** The file has so many bytes now. */
  wrote(bytes: number): void {
    if (this.#isSyncing || bytes - this.#syncedTo < bytesAtOnce) return;
    this.#syncedTo = bytes;
    this.#isSyncing = true;
    fdatasync(this.#file, (error) => this.#done(error));
  }

  /** To be called after the file's last sync, which has nothing to say of what failed before (fsync(2)): throws that. */
  close(): void {
    this.abandon();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Closes the file, at the latest when nothing is under way. */
  abandon(): void {
    this.#isClosed = true;
    if (!this.#isSyncing) closeSync(this.#file);
  }

  #done(error: Error | null): void {
    this.#failure ??= error ?? undefined;
    this.#isSyncing = false;
    if (this.#isClosed) closeSync(this.#file);
  }
}
