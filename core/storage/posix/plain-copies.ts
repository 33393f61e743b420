import { runMark } from '../../model/plain-runs.ts';
import { ChangeDigest, wordsPerCopy } from './change-digest.ts';
import { listAttributes } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import { STATX_INO } from './libc-metadata.ts';
import { countsChanges } from './told-changes.ts';

/** Where a file is copied. */
export type CopyPlace = {
  readonly destinationDirectory: number;
  /** One object as long as it is one directory. */
  readonly directory: { readonly device: number };
};

const copy = new FileStatus();
const directory = new FileStatus();
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
   * The open copy has its name, and all else that it gets; the open source is settled (see isSettled), and has no attributes. A file of which
   * other names are copied is still to be changed.
   */
  add(source: number, before: FileStatus, fd: number, place: CopyPlace): void {
    const [from, to] = [before.deviceNumber, place.directory.device];
    if (before.links > 1 || !countsChanges(source, from) || !countsChanges(fd, to)) return;
    if (copy.tryOpen(fd) !== 0 || copy.deviceNumber !== to) return;
    // Whole seconds come again when a clock is set back, and an image may have the same everywhere
    if (!before.ctimeHasFraction || !copy.ctimeHasFraction) return;
    // It can have got some from its directory, or from anybody as soon as it had its name
    if (!hasNone(fd, to) || !this.#enter(place)) return;
    before.writeChange(words, 0);
    copy.writeChange(words, wordsPerCopy / 2);
    change.begin(from, to);
    change.compute(words, 0);
    this.#words.push(change.low, change.high);
    this.#words[this.#begin + 3]!++;
  }

  /** All runs since the last call. */
  take(): Uint8Array | undefined {
    if (this.#words.length === 0) return undefined;
    const taken = Uint32Array.from(this.#words);
    this.#words.length = 0;
    this.#directory = undefined;
    return new Uint8Array(taken.buffer);
  }

  #enter({ directory: entered, destinationDirectory }: CopyPlace): boolean {
    if (this.#directory === entered) return true;
    if (directory.tryOpen(destinationDirectory, STATX_INO) !== 0) return false;
    this.#directory = entered;
    this.#begin = this.#words.length;
    this.#words.push(runMark, directory.inodeLow, directory.inodeHigh, 0);
    return true;
  }
}

function hasNone(fd: number, device: number): boolean {
  try {
    return listAttributes(fd, device).length === 0;
  } catch {
    return false;
  }
}
