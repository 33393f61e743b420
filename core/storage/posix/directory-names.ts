import { fromBytes } from '../../model/names.ts';
import { addressOf } from './libc.ts';
import { getdents64, getdents64Async } from './libc-names.ts';
import { check } from './system-error.ts';

export type DirectoryName = {
  readonly name: string;
  readonly type: 'directory' | 'other' | 'unknown';
  /** As a number: rounded from 2^53 on. */
  readonly inode: number;
};

const DT_UNKNOWN = 0;
const DT_DIR = 4;
const DT_LNK = 10;
const DOT = 46;

/**
 * Reads the names of open directories, block by block: memory does not grow with their number. One directory at a
 * time, and one name: it holds until the next. (linux_dirent64, getdents64(2))
 */
export class DirectoryNames implements DirectoryName {
  /** The block in force. */
  readonly buffer = Buffer.allocUnsafeSlow(1 << 16);
  readonly #address = addressOf(this.buffer);
  #fd = -1;
  #filled = 0;
  #next = 0;
  #at = 0;
  /** Blocks that stand for the directory's own names, and the next of them. */
  #listed: readonly Uint8Array[] | undefined;
  #block = 0;

  /** All names but `.` and `..`, in the file system's own order; throws a SystemError. */
  *read(fd: number): Generator<DirectoryName> {
    this.open(fd);
    while (this.fill()) while (this.next()) yield this;
  }

  /**
   * Begins with another open directory, at the place up to which it was read. With `listed` its names are those, from
   * the given block on, and it is not read.
   */
  open(fd: number, listed?: readonly Uint8Array[], block = 0): void {
    this.#fd = fd;
    this.#listed = listed;
    this.#block = block;
    this.#filled = 0;
    this.#next = 0;
  }

  /** Takes names that `rest` gave as the block in force. */
  load(names: Uint8Array): void {
    this.buffer.set(names);
    this.#filled = names.length;
    this.#next = 0;
  }

  /** Reads the next block of names; false at the end of the directory; throws a SystemError. */
  fill(): boolean {
    if (this.#listed !== undefined) return this.#fillListed(this.#listed);
    return this.#has(() => getdents64(this.#fd, this.buffer));
  }

  /** The same without waiting. */
  async fillAsync(): Promise<boolean> {
    if (this.#listed !== undefined) return this.#fillListed(this.#listed);
    const filled = await getdents64Async(this.#fd, this.buffer);
    return this.#has(() => filled);
  }

  #fillListed(blocks: readonly Uint8Array[]): boolean {
    const names = blocks[this.#block++];
    this.load(names ?? new Uint8Array());
    return names !== undefined;
  }

  #has(read: () => number): boolean {
    this.#next = 0;
    this.#filled = 0;
    this.#filled = check(read(), 'read directory');
    return this.#filled > 0;
  }

  /** Goes to the next name of the block but `.` and `..`; false at its end. */
  next(): boolean {
    do {
      if (this.#next === this.#filled) return false;
      this.#at = this.#next;
      this.#next += this.buffer[this.#at + 16]! + this.buffer[this.#at + 17]! * 256;
    } while (this.#isDots());
    return true;
  }

  /** A copy of the names of the block after the one in force, for `load`. */
  rest(): Uint8Array {
    return new Uint8Array(this.buffer.subarray(this.#next, this.#filled));
  }

  /** Which of the listed blocks comes next. */
  get block(): number {
    return this.#block;
  }

  /** Where the block's name in force stands, for `goTo`. */
  get place(): number {
    return this.#at;
  }

  /** Goes back to a name of the same block. */
  goTo(place: number): void {
    this.#at = place;
    this.#next = place + this.buffer.readUInt16LE(place + 16);
  }

  get name(): string {
    return this.#readName(this.start);
  }

  /** Where the name in force begins in `buffer`; a zero byte ends it. */
  get start(): number {
    return this.#at + 19;
  }

  /** Where the name in force begins in memory. */
  get address(): number {
    return this.#address + this.#at + 19;
  }

  get type(): DirectoryName['type'] {
    const code = this.buffer[this.#at + 18];
    if (code === DT_DIR) return 'directory';
    return code === DT_UNKNOWN ? 'unknown' : 'other';
  }

  get isSymlink(): boolean {
    return this.buffer[this.#at + 18] === DT_LNK;
  }

  get inode(): number {
    return this.buffer.readUInt32LE(this.#at + 4) * 2 ** 32 + this.buffer.readUInt32LE(this.#at);
  }

  #isDots(): boolean {
    const start = this.#at + 19;
    if (this.buffer[start] !== DOT) return false;
    const second = this.buffer[start + 1];
    return second === 0 || (second === DOT && this.buffer[start + 2] === 0);
  }

  #readName(start: number): string {
    const buffer = this.buffer;
    let [end, bits] = [start, 0];
    for (let byte = buffer[end]!; byte !== 0; byte = buffer[++end]!) bits |= byte;
    return bits < 128 ? buffer.toString('latin1', start, end) : fromBytes(buffer.subarray(start, end));
  }
}
