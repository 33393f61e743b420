import { me } from './ownership.ts';

/** Inode and ctime of both sides, five words each, as FileStatus.writeChange has them. */
export const wordsPerCopy = 10;
/** So many come before those of copies. */
const wordsOfPlace = 4;

/**
 * What files and their copies are known by until one of them changes, in 64 bits: the devices, who asks (some attributes not everybody sees), and
 * inode and ctime of both. Two times MurmurHash3_x86_32 (Austin Appleby, public domain), the second with constants of
 * MurmurHash3_x86_128: nobody chooses an inode or a ctime, so that it need not withstand anybody.
 */
export class ChangeDigest {
  #seedLow = 0;
  #seedHigh = 0;
  low = 0;
  high = 0;

  /** The copies that follow are on these devices. `more`: what else has to be the same. */
  begin(sourceDevice: number, destinationDevice: number, more = 0): void {
    this.#seedLow = this.#seedHigh = more;
    this.#seed(sourceDevice);
    this.#seed(destinationDevice);
    this.#seed(me.uid);
    this.#seed(Number(me.seesTrusted));
  }

  #seed(word: number): void {
    this.#seedLow = mixLow(this.#seedLow, word);
    this.#seedHigh = mixHigh(this.#seedHigh, word);
  }

  /** Of so many words: those of one copy, or the digests of several. Leaves both words of the digest here, without a sign. */
  compute(words: Uint32Array, at: number, length = wordsPerCopy): void {
    let low = this.#seedLow;
    let high = this.#seedHigh;
    for (let i = at; i < at + length; i++) {
      const word = words[i]!;
      low = mixLow(low, word);
      high = mixHigh(high, word);
    }
    const bytes = (wordsOfPlace + length) * 4;
    this.low = finish(low ^ bytes);
    this.high = finish(high ^ bytes);
  }
}

function mixLow(hash: number, word: number): number {
  let mixed = Math.imul(word, 0xcc9e2d51);
  mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593) ^ hash;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function mixHigh(hash: number, word: number): number {
  let mixed = Math.imul(word, 0x38b34ae5);
  mixed = Math.imul((mixed << 17) | (mixed >>> 15), 0xa1e38b93) ^ hash;
  return (Math.imul((mixed << 19) | (mixed >>> 13), 5) + 0x561ccd1b) | 0;
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
