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
  readonly #digest = new ChangeDigest();
  #digestsIn: SeenPlace | undefined;
  #digests: DigestSet | undefined;

  clear(): void {
    this.names.length = 0;
    this.indexes.length = 0;
  }

  add(name: number, index: number, source: FileStatus, copy: FileStatus): void {
    const at = this.names.length * wordsPerCopy;
    if (at === this.#words.length) {
      const words = new Uint32Array(this.#words.length * 2);
      words.set(this.#words);
      this.#words = words;
    }
    source.writeChange(this.#words, at);
    copy.writeChange(this.#words, at + wordsPerCopy / 2);
    this.names.push(name);
    this.indexes.push(index);
  }

  /** Which of them had no attributes when they were copied, and have not changed since: 1 each. */
  knownSinceCopied(place: SeenPlace, copies: PlainRuns): Uint8Array {
    const known = new Uint8Array(this.names.length);
    const digests = place.tellsChanges ? this.#digestsOf(place, copies) : undefined;
    if (digests === undefined) return known;
    const digest = this.#digest;
    digest.begin(place.sourceDevice, place.destinationDevice);
    for (let i = 0; i < known.length; i++) {
      digest.compute(this.#words, i * wordsPerCopy);
      if (digests.has(digest.low, digest.high)) known[i] = 1;
    }
    return known;
  }

  /** Of the files that were copied into a directory: those of the last one are kept. Undefined where there are none. */
  #digestsOf(place: SeenPlace, copies: PlainRuns): DigestSet | undefined {
    if (this.#digestsIn === place) return this.#digests;
    const runs = copies.digestsIn(place.inodeLow, place.inodeHigh);
    this.#digestsIn = place;
    this.#digests = runs.length === 0 ? undefined : DigestSet.ofWords(runs);
    return this.#digests;
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

  /** Of all of them: the same only where none has changed at either side, and the same user asks for the same, with the same rights. Holds until the next call. */
  digest({ sourceDevice, destinationDevice, asksSource, asksDestination }: SeenPlace): ChangeDigest {
    const digest = this.#digest;
    const asked = Number(asksSource) + 2 * Number(asksDestination);
    digest.begin(sourceDevice, destinationDevice, asked);
    digest.compute(this.#words, 0, this.names.length);
    return digest;
  }
}
