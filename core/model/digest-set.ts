/** A digest has so many bytes. */
export const digestBytes = 16;
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
    const slots = 2 ** Math.ceil(Math.log2(Math.max(1, count * 2)));
    const set = new DigestSet(new SharedArrayBuffer(slots * digestBytes));
    const words = new Uint32Array(count * wordsPerDigest);
    new Uint8Array(words.buffer).set(digests.subarray(0, count * digestBytes));
    for (let at = 0; at < words.length; at += wordsPerDigest) set.#add(words, at);
    return set;
  }

  has(digest: Uint8Array): boolean {
    const words = new Uint32Array(wordsPerDigest);
    new Uint8Array(words.buffer).set(digest.subarray(0, digestBytes));
    const slot = this.#find(words, 0);
    return this.#holds(slot);
  }

  #add(words: Uint32Array, at: number): void {
    const slot = this.#find(words, at);
    for (let i = 0; i < wordsPerDigest; i++) this.#words[slot + i] = words[at + i]!;
  }

  /** Where these words are, or would be. */
  #find(words: Uint32Array, at: number): number {
    for (let number = words[at]! & this.#mask; ; number = (number + 1) & this.#mask) {
      const slot = number * wordsPerDigest;
      if (!this.#holds(slot)) return slot;
      let same = 0;
      while (same < wordsPerDigest && this.#words[slot + same] === words[at + same]) same++;
      if (same === wordsPerDigest) return slot;
    }
  }

  #holds(slot: number): boolean {
    for (let i = 0; i < wordsPerDigest; i++) if (this.#words[slot + i] !== 0) return true;
    return false;
  }
}
