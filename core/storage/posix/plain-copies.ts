import { ChangeDigest, wordsPerCopy } from './change-digest.ts';
import { FileStatus } from './file-status.ts';
import { STATX_BASIC_STATS, STATX_INO } from './libc-metadata.ts';
import { countsChangesAtOnce, tellsChanges } from './told-changes.ts';

/** Where a file is copied: both directories, open, and the destination's device. One object as long as it is one directory. */
export type CopyPlace = {
  readonly sourceDirectory: number;
  readonly destinationDirectory: number;
  readonly directory: { readonly device: number };
};

const status = new FileStatus();
const words = new Uint32Array(wordsPerCopy);
const change = new ChangeDigest();

/**
 * Remembers of files that were copied just now that they have no extended attributes at either side, for a later look: by
 * inode and ctime, so that it holds until either changes. In runs, as PlainRuns has them.
 */
export class PlainCopies {
  readonly #words: number[] = [];
  #directory: object | undefined;
  /** Where the run of the directory begins. */
  #begin = 0;

  /**
   * The open copy has its name, and all else that it gets; the source is settled (see isSettled). A file of which other names are
   * copied is still to be changed.
   */
  add(source: FileStatus, fd: number, place: CopyPlace): void {
    const [from, to] = [source.deviceNumber, place.directory.device];
    if (!countsChangesAtOnce || source.links > 1) return;
    if (!tellsChanges(place.sourceDirectory, from) || !tellsChanges(place.destinationDirectory, to)) return;
    if (!this.#enter(place) || status.tryOpen(fd, STATX_BASIC_STATS) !== 0) return;
    // Whole seconds: a second change in one of them would not be seen
    if (!status.ctimeHasFraction) return;
    source.writeChange(words, 0);
    status.writeChange(words, wordsPerCopy / 2);
    change.begin(from, to);
    change.compute(words, 0);
    this.#words.push(change.low, change.high);
    this.#words[this.#begin + 2]!++;
  }

  /** All runs since the last call. */
  take(): Uint8Array | undefined {
    if (this.#words.length === 0) return undefined;
    const taken = Uint32Array.from(this.#words);
    this.#words.length = 0;
    this.#directory = undefined;
    return new Uint8Array(taken.buffer);
  }

  #enter({ directory, destinationDirectory }: CopyPlace): boolean {
    if (this.#directory === directory) return true;
    if (status.tryOpen(destinationDirectory, STATX_INO) !== 0) return false;
    this.#directory = directory;
    this.#begin = this.#words.length;
    this.#words.push(status.inodeLow, status.inodeHigh, 0);
    return true;
  }
}
