import xxhash from 'hash-wasm/dist/xxhash128.umd.min.js';

/** Blocks of zeros, at multiples of this, are told by their length: a hole costs nothing, and is the same as zeros. */
const blockBytes = 64 * 1024;
const zeroBlock = Buffer.alloc(blockBytes);
const gapBytes = Buffer.alloc(8);

type Hash = Awaited<ReturnType<typeof xxhash.createXXHash128>>;
let prepared: Hash | undefined;

/** To be awaited once in each thread before anything is hashed in it; without need it costs a worker nothing. */
export async function prepareDigests(): Promise<void> {
  prepared ??= await xxhash.createXXHash128();
}

/** xxh3 of 128 bits, in hexadecimal digits. */
export function digestOfText(text: string): string {
  const hash = theHash();
  hash.init();
  hash.update(Buffer.from(text));
  return hash.digest('hex');
}

function theHash(): Hash {
  if (prepared === undefined) throw new Error('digests are not prepared in this thread');
  return prepared;
}

/**
 * The digest of a range of a file, from front to back, one at a time in each thread: xxh3 of its bytes, but each run
 * of blocks of zeros is replaced by its length, as eight bytes. So it is the same whatever is a hole, and however the
 * range is cut where it is read; of what has no such blocks it is what `xxhsum -H2` says of the same bytes.
 */
export class ContentDigest {
  readonly #hash = theHash();
  #at: number;
  /** Zeros of whole blocks that were not hashed yet. */
  #gap = 0;
  /** Zeros from the beginning of this block on, as long as it has nothing else; undefined from then on. */
  #zeros: number | undefined = 0;

  constructor(from: number) {
    this.#at = from;
    this.#hash.init();
  }

  /** Up to where it was told what the file holds. */
  get position(): number {
    return this.#at;
  }

  /** What comes next. */
  add(bytes: Buffer): void {
    for (let done = 0; done < bytes.length; ) {
      const end = Math.min(bytes.length, done + this.#leftOfBlock);
      this.#addToBlock(bytes.subarray(done, end));
      done = end;
    }
  }

  /** Zeros come next, as far as this position. */
  zerosUpTo(end: number): void {
    while (this.#at < end) {
      const bytes = Math.min(this.#leftOfBlock, end - this.#at);
      if (this.#zeros === undefined) this.#addToBlock(zeroBlock.subarray(0, bytes));
      else this.#skip(bytes);
      const blocks = Math.floor((end - this.#at) / blockBytes);
      if (this.#zeros !== 0) continue;
      this.#gap += blocks * blockBytes;
      this.#at += blocks * blockBytes;
    }
  }

  end(): string {
    this.#gap += this.#zeros ?? 0;
    this.#addGap();
    return this.#hash.digest('hex');
  }

  get #leftOfBlock(): number {
    return blockBytes - (this.#at % blockBytes);
  }

  #addToBlock(bytes: Buffer): void {
    if (this.#zeros !== undefined && isZero(bytes)) this.#skip(bytes.length);
    else {
      this.#addGap();
      if (this.#zeros !== undefined) this.#hash.update(zeroBlock.subarray(0, this.#zeros));
      this.#zeros = undefined;
      this.#hash.update(bytes);
      this.#go(bytes.length);
    }
  }

  #skip(bytes: number): void {
    this.#zeros! += bytes;
    this.#go(bytes);
  }

  #go(bytes: number): void {
    this.#at += bytes;
    if (this.#at % blockBytes !== 0) return;
    this.#gap += this.#zeros ?? 0;
    this.#zeros = 0;
  }

  #addGap(): void {
    if (this.#gap === 0) return;
    gapBytes.writeBigUInt64LE(BigInt(this.#gap));
    this.#hash.update(gapBytes);
    this.#gap = 0;
  }
}

function isZero(bytes: Buffer): boolean {
  const last = bytes.length - 1;
  if (bytes[0] !== 0 || bytes[last] !== 0 || bytes[last >> 1] !== 0) return false;
  return bytes.compare(zeroBlock, 0, bytes.length) === 0;
}
