import { fromBytes } from '../../model/names.ts';
import { getdents64 } from './libc.ts';
import { check } from './system-error.ts';

export type DirectoryName = {
  readonly name: string;
  readonly type: 'directory' | 'other' | 'unknown';
  /** As a number: rounded from 2^53 on. */
  readonly inode: number;
};

const DT_UNKNOWN = 0;
const DT_DIR = 4;
const DOT = 46;

/**
 * Reads the names of open directories, streaming: memory does not grow with their number. One directory at a time,
 * and one name: it holds until the next. (linux_dirent64, getdents64(2))
 */
export class DirectoryNames implements DirectoryName {
  readonly #buffer = Buffer.allocUnsafeSlow(1 << 16);
  #fd = -1;
  #filled = 0;
  #next = 0;
  #at = 0;
  #name = '';

  /** All names but `.` and `..`, in the file system's own order; throws a SystemError. */
  *read(fd: number): Generator<DirectoryName> {
    this.open(fd);
    while (this.next()) yield this;
  }

  /** Begins with another open directory. */
  open(fd: number): void {
    this.#fd = fd;
    this.#filled = 0;
    this.#next = 0;
  }

  /** Gives the directory up: no name follows. The descriptor stays open. */
  close(): void {
    this.open(-1);
  }

  /** Goes to the next name but `.` and `..`; false at the end; throws a SystemError. */
  next(): boolean {
    do {
      if (this.#next === this.#filled && !this.#fill()) return false;
      this.#at = this.#next;
      this.#next += this.#buffer.readUInt16LE(this.#at + 16);
    } while (this.#isDots());
    this.#name = this.#readName(this.#at + 19);
    return true;
  }

  get name(): string {
    return this.#name;
  }

  get type(): DirectoryName['type'] {
    const code = this.#buffer[this.#at + 18];
    if (code === DT_DIR) return 'directory';
    return code === DT_UNKNOWN ? 'unknown' : 'other';
  }

  get inode(): number {
    return this.#buffer.readUInt32LE(this.#at + 4) * 2 ** 32 + this.#buffer.readUInt32LE(this.#at);
  }

  #fill(): boolean {
    if (this.#fd < 0) return false;
    this.#next = 0;
    this.#filled = 0;
    this.#filled = check(getdents64(this.#fd, this.#buffer), 'read directory');
    return this.#filled > 0;
  }

  #isDots(): boolean {
    const start = this.#at + 19;
    if (this.#buffer[start] !== DOT) return false;
    const second = this.#buffer[start + 1];
    return second === 0 || (second === DOT && this.#buffer[start + 2] === 0);
  }

  #readName(start: number): string {
    const buffer = this.#buffer;
    let [end, bits] = [start, 0];
    for (let byte = buffer[end]!; byte !== 0; byte = buffer[++end]!) bits |= byte;
    return bits < 128 ? buffer.toString('latin1', start, end) : fromBytes(buffer.subarray(start, end));
  }
}
