import { digestBytes } from './digest-set.ts';

/** What a run of digests begins with: `plai`. */
export const runMark = 0x69616c70;
/**
 * A run begins with four words: the mark, the inode of a directory of the destination (low and high word), and how many digests
 * follow. They are of files in it that were copied together.
 */
export const wordsPerHeader = 4;
const wordsPerDigest = digestBytes / 4;
/** In memory there is no mark, but where the next run of the same directory begins, or 0. */
const [nextAt, inodeAt, countAt] = [0, 1, 3];
/** A word of the table: how many slots it has. */
const slotsAt = 0;
const firstSlot = 1;

/**
 * Runs of digests in memory that threads may share, to be found by their directory: an open-addressing table of directories, at most half
 * full, and the runs behind it. Of one directory there may be several.
 */
export class PlainRuns {
  /** For `new PlainRuns` in another thread. */
  readonly shared: SharedArrayBuffer;
  readonly #words: Uint32Array;
  readonly #mask: number;

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.#words = new Uint32Array(shared);
    this.#mask = this.#words[slotsAt]! - 1;
  }

  /** Of several files of runs that follow each other; from where they make no sense on a file has none. */
  static of(files: readonly Uint8Array[]): PlainRuns {
    const parts = files.map(wholeRuns);
    const runs = parts.reduce((sum, { begins }) => sum + begins.length, 0);
    const slots = 2 ** Math.ceil(Math.log2(Math.max(1, runs * 2)));
    const length = parts.reduce((sum, { words }) => sum + words.length, firstSlot + slots);
    const all = new Uint32Array(new SharedArrayBuffer(length * 4));
    all[slotsAt] = slots;
    const made = new PlainRuns(all.buffer as SharedArrayBuffer);
    let to = firstSlot + slots;
    for (const { words, begins } of parts) {
      all.set(words, to);
      for (const begin of begins) made.#add(to + begin);
      to += words.length;
    }
    return made;
  }

  /** The digests of files that were copied into this directory, without an order. */
  digestsIn(inodeLow: number, inodeHigh: number): Uint32Array[] {
    const words = this.#words;
    const found: Uint32Array[] = [];
    for (let at = words[this.#find(inodeLow, inodeHigh)]!; at !== 0; at = words[at + nextAt]!) {
      const from = at + wordsPerHeader;
      found.push(words.subarray(from, from + words[at + countAt]! * wordsPerDigest));
    }
    return found;
  }

  /** The runs of a directory hang on its first one: it may have as many as files. */
  #add(at: number): void {
    const words = this.#words;
    const slot = this.#find(words[at + inodeAt]!, words[at + inodeAt + 1]!);
    const first = words[slot]!;
    words[at + nextAt] = first === 0 ? 0 : words[first + nextAt]!;
    if (first === 0) words[slot] = at;
    else words[first + nextAt] = at;
  }

  /** The slot that leads to the runs of a directory, or would. */
  #find(inodeLow: number, inodeHigh: number): number {
    const words = this.#words;
    for (let number = slotOf(inodeLow); ; number++) {
      const slot = firstSlot + (number & this.#mask);
      const at = words[slot]!;
      if (at === 0 || (words[at + inodeAt] === inodeLow && words[at + inodeAt + 1] === inodeHigh))
        return slot;
    }
  }
}

function wholeRuns(file: Uint8Array): { words: Uint32Array; begins: number[] } {
  const words = wordsOf(file);
  const begins: number[] = [];
  let at = 0;
  while (at + wordsPerHeader <= words.length) {
    const next = at + wordsPerHeader + words[at + countAt]! * wordsPerDigest;
    if (words[at] !== runMark || next > words.length) break;
    begins.push(at);
    at = next;
  }
  return { words: words.subarray(0, at), begins };
}

/** Without a copy where it lies so that it needs none. */
function wordsOf({ buffer, byteOffset, length }: Uint8Array): Uint32Array {
  const bytes = length - (length % 4);
  if (byteOffset % 4 === 0) return new Uint32Array(buffer, byteOffset, bytes / 4);
  return new Uint32Array(buffer.slice(byteOffset, byteOffset + bytes));
}

/** Inodes of directories are often multiples of something. */
function slotOf(inodeLow: number): number {
  return Math.imul(inodeLow, 0x9e3779b1) >>> 8;
}
