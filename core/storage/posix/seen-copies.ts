import { DigestSet } from '../../model/digest-set.ts';
import type { PlainRuns } from '../../model/plain-runs.ts';
import { ChangeDigest, wordsPerCopy } from './change-digest.ts';
import type { FileStatus } from './file-status.ts';

/** Where files are looked at: the devices of both directories, at which side attributes are asked for, and whether ctimes tell that they changed. */
export type SeenPlace = {
  readonly source: number;
  readonly destination: number;
  readonly sourceDevice: number;
  readonly destinationDevice: number;
  /** Of the directory of the destination. */
  readonly inodeLow: number;
  readonly inodeHigh: number;
  readonly asksSource: boolean;
  readonly asksDestination: boolean;
  readonly tellsChanges: boolean;
};

/**
 * The files of a group, in one block of names, of which the destination has a copy, by their status. Used again and again.
 */
export class SeenCopies {
  /** Where in the block the name of each begins, and which entry it is of the sink's. */
  readonly names: number[] = [];
  readonly indexes: number[] = [];
  #words = new Uint32Array(wordsPerCopy * 512);
  /** Of each of them, as `digest` has made them. */
  #digests = new Uint32Array(2 * 512);
  readonly #digest = new ChangeDigest();
  #copiedInto: SeenPlace | undefined;
  #copied: DigestSet | undefined;

  clear(): void {
    this.names.length = 0;
    this.indexes.length = 0;
  }

  add(name: number, index: number, source: FileStatus, copy: FileStatus): void {
    const at = this.names.length * wordsPerCopy;
    if (at === this.#words.length) {
      this.#words = twice(this.#words);
      this.#digests = twice(this.#digests);
    }
    source.writeChange(this.#words, at);
    copy.writeChange(this.#words, at + wordsPerCopy / 2);
    this.names.push(name);
    this.indexes.push(index);
  }

  /** Of all of them: the same only where none has changed at either side, and the same user asks for the same, with the same rights. Holds until the next call. */
  digest({ sourceDevice, destinationDevice, asksSource, asksDestination }: SeenPlace): ChangeDigest {
    const [digest, digests, copies] = [this.#digest, this.#digests, this.names.length];
    digest.begin(sourceDevice, destinationDevice);
    for (let i = 0; i < copies; i++) {
      digest.compute(this.#words, i * wordsPerCopy);
      digests[2 * i] = digest.low;
      digests[2 * i + 1] = digest.high;
    }
    digest.begin(sourceDevice, destinationDevice, Number(asksSource) + 2 * Number(asksDestination));
    digest.compute(digests, 0, 2 * copies);
    return digest;
  }

  /** After `digest`: which of them had no attributes when they were copied, and have not changed since: 1 each. */
  knownSinceCopied(place: SeenPlace, copies: PlainRuns): Uint8Array {
    const known = new Uint8Array(this.names.length);
    const copied = place.tellsChanges ? this.#copiedTo(place, copies) : undefined;
    if (copied === undefined) return known;
    const digests = this.#digests;
    for (let i = 0; i < known.length; i++) if (copied.has(digests[2 * i]!, digests[2 * i + 1]!)) known[i] = 1;
    return known;
  }

  /** Of the files that were copied into a directory: those of the last one are kept. Undefined where there are none. */
  #copiedTo(place: SeenPlace, copies: PlainRuns): DigestSet | undefined {
    if (this.#copiedInto === place) return this.#copied;
    const runs = copies.digestsIn(place.inodeLow, place.inodeHigh);
    this.#copiedInto = place;
    this.#copied = runs.length === 0 ? undefined : DigestSet.ofWords(runs);
    return this.#copied;
  }

  /** False where a file has changed so late that it could change once more and its ctime stay the same, and is not `known` all the same. */
  changedBefore(seconds: number, known: Uint8Array): boolean {
    const half = wordsPerCopy / 2;
    for (let at = 0; at < this.names.length * wordsPerCopy; at += half) {
      const isLate = this.#words[at + 2]! + (this.#words[at + 3]! | 0) * 2 ** 32 >= seconds;
      if (isLate && known[Math.floor(at / wordsPerCopy)] === 0) return false;
    }
    return true;
  }
}

function twice(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(words.length * 2);
  more.set(words);
  return more;
}
