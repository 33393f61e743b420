/** A digest has so many bytes: two 32-bit words, little-endian. */
export const digestBytes = 8;
const wordsPerDigest = digestBytes / 4;

/**
 * A set of digests in memory that threads may share: an open-addressing table, at most half full. A digest of
 * nothing but zeros is never in it.
 */
export class DigestSet {
  /** For `new DigestSet` in another thread. */
  readonly shared: SharedArrayBuffer;
  readonly #words: Uint32Array;
  readonly #mask: number;

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.#words = new Uint32Array(shared);
    this.#mask = this.#words.length / wordsPerDigest - 1;
  }

  /** Of digests that follow each other; what is left at the end is none. */
  static of(digests: Uint8Array): DigestSet {
    const count = Math.floor(digests.length / digestBytes);
    const words = new Uint32Array(count * wordsPerDigest);
    new Uint8Array(words.buffer).set(digests.subarray(0, count * digestBytes));
    return DigestSet.ofWords([words]);
  }

  static ofWords(parts: readonly Uint32Array[]): DigestSet {
    const count = parts.reduce((sum, { length }) => sum + length / wordsPerDigest, 0);
    const slots = 2 ** Math.ceil(Math.log2(Math.max(1, count * 2)));
    const set = new DigestSet(new SharedArrayBuffer(slots * digestBytes));
    for (const words of parts)
      for (let at = 0; at < words.length; at += wordsPerDigest) set.#add(words[at]!, words[at + 1]!);
    return set;
  }

  /** By the two words of a digest, without a sign. */
  has(low: number, high: number): boolean {
    const slot = this.#find(low, high);
    return (this.#words[slot]! | this.#words[slot + 1]!) !== 0;
  }

  #add(low: number, high: number): void {
    const slot = this.#find(low, high);
    this.#words[slot] = low;
    this.#words[slot + 1] = high;
  }

  /** Where these words are, or would be. */
  #find(low: number, high: number): number {
    const words = this.#words;
    for (let number = low & this.#mask; ; number = (number + 1) & this.#mask) {
      const slot = number * wordsPerDigest;
      if (words[slot] === low && words[slot + 1] === high) return slot;
      if ((words[slot]! | words[slot + 1]!) === 0) return slot;
    }
  }
}
