import { closeSync, fdatasync } from 'node:fs';

const bytesAtOnce = 4 * 1024 ** 2;

/**
 * Syncs a file while it is written, in the background, so that little is left to be written at its end. The descriptor is its own, opened
 * for this: each is told once what could not be written (fsync(2)), and what a sync that is still under way was told must not be lost
 * to the file's last one.
 */
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

  /** To be called after the file's last sync. Throws what has failed before. */
  close(): void {
    this.abandon();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Closes the descriptor, at the latest when nothing is under way. */
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
