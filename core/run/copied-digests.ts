import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { EntryDigest, SourceDigest } from '../model/source-digest.ts';

/** The first slot: what this file is. It has the length of any other. */
const header = Buffer.from('{"format":1,"algorithm":"xxh3"}\n');
const slotBytes = header.length;
const digestBytes = slotBytes / 2;
/** So many are kept in memory until they are written. */
const slotsAtOnce = 4096;
/** A reader goes along the tape. */
const slotsRead = 256;

/**
 * What a worker has hashed of the files that it has copied: each in a slot by its ordinal, 16 bytes of the version's digest
 * and 16 of the content's. A slot of zeros is empty. Nothing has to be known of how it came to its end: a digest that is
 * torn, or of another file, fits no content, and who finds that has both sides compared.
 */
export class CopiedDigests {
  readonly #file: FileHandle;
  readonly #first: number;
  #waiting: EntryDigest[] = [];

  private constructor(file: FileHandle, first: number) {
    [this.#file, this.#first] = [file, first];
  }

  /** `first` is the ordinal of the first whole entry of the shard. A worker with the name of a dead one goes on in its file. */
  static async open(path: string, first: number): Promise<CopiedDigests> {
    const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
    const file = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
    const digests = new CopiedDigests(file, first);
    digests.#write(header, 0);
    return digests;
  }

  take(digests: readonly EntryDigest[] = []): void {
    for (const digest of digests) this.#waiting.push(digest);
    if (this.#waiting.length >= slotsAtOnce) this.#put();
  }

  /** Returns when all that was taken is on disk. */
  async flush(): Promise<void> {
    this.#put();
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Of an entry that was copied twice the later goes over the earlier. */
  #put(): void {
    const waiting = this.#waiting.sort((one, other) => one.ordinal - other.ordinal);
    this.#waiting = [];
    const bytes = Buffer.allocUnsafe(waiting.length * slotBytes);
    let begun = 0;
    for (const [i, { ordinal, version, digest }] of waiting.entries()) {
      bytes.write(version + digest, i * slotBytes, 'hex');
      if (waiting[i + 1]?.ordinal === ordinal + 1) continue;
      const slots = bytes.subarray(begun * slotBytes, (i + 1) * slotBytes);
      this.#write(slots, (waiting[begun]!.ordinal - this.#first + 1) * slotBytes);
      begun = i + 1;
    }
  }

  #write(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.#file.fd, bytes, done, bytes.length - done, at + done);
  }
}

/** Reads what one worker has hashed, with a fixed amount of memory. */
export class CopiedDigestsReader {
  readonly #fd: number;
  readonly #first: number;
  readonly #slots = Buffer.alloc(slotsRead * slotBytes);
  #from = 0;
  #to = 0;

  private constructor(fd: number, first: number) {
    [this.#fd, this.#first] = [fd, first];
  }

  /** Undefined where there is no such file, or what it holds is something else: then nothing is known. */
  static open(path: string, first: number): CopiedDigestsReader | undefined {
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch {
      return undefined;
    }
    const reader = new CopiedDigestsReader(fd, first);
    if (reader.#read(0) >= slotBytes && reader.#slots.subarray(0, slotBytes).equals(header)) return reader;
    reader.close();
    return undefined;
  }

  /** What the worker has last copied of an entry; undefined where it has copied none, or that was not hashed. */
  of(ordinal: number): SourceDigest | undefined {
    if (ordinal < this.#first) return undefined;
    const slot = ordinal - this.#first + 1;
    if (slot < this.#from || slot >= this.#to) this.#load(slot);
    const at = (slot - this.#from) * slotBytes;
    const bytes = slot < this.#to ? this.#slots.subarray(at, at + slotBytes) : undefined;
    if (bytes?.some((byte) => byte !== 0) !== true) return undefined;
    const text = bytes.toString('hex');
    return { version: text.slice(0, digestBytes * 2), digest: text.slice(digestBytes * 2) };
  }

  close(): void {
    closeSync(this.#fd);
  }

  #load(slot: number): void {
    this.#from = slot;
    this.#to = slot + Math.floor(this.#read(slot * slotBytes) / slotBytes);
  }

  #read(at: number): number {
    try {
      return readSync(this.#fd, this.#slots, 0, this.#slots.length, at);
    } catch {
      return 0;
    }
  }
}
