import { fromBytes } from '../../model/names.ts';
import { getdents64 } from './libc.ts';
import { check } from './system-error.ts';

export type DirectoryName = {
  readonly name: string;
  readonly type: 'directory' | 'other' | 'unknown';
  readonly inodeLow: number;
  readonly inodeHigh: number;
};

const DT_UNKNOWN = 0;
const DT_DIR = 4;

/** Reads the names of open directories, streaming: memory does not grow with their number. One directory at a time. */
export class DirectoryNames {
  readonly #buffer = Buffer.allocUnsafeSlow(1 << 16);

  /** All names but `.` and `..`, in the file system's own order; throws a SystemError. (linux_dirent64, getdents64(2)) */
  *read(fd: number): Generator<DirectoryName> {
    const buffer = this.#buffer;
    for (;;) {
      const filled = check(getdents64(fd, buffer), 'read directory');
      if (filled === 0) return;
      for (let at = 0; at < filled; at += buffer.readUInt16LE(at + 16)) {
        const name = this.#nameAt(at + 19);
        if (name !== '.' && name !== '..') yield this.#entryAt(at, name);
      }
    }
  }

  #entryAt(at: number, name: string): DirectoryName {
    const code = this.#buffer[at + 18];
    const type = code === DT_DIR ? 'directory' : code === DT_UNKNOWN ? 'unknown' : 'other';
    return {
      name,
      type,
      inodeLow: this.#buffer.readUInt32LE(at),
      inodeHigh: this.#buffer.readUInt32LE(at + 4),
    };
  }

  #nameAt(start: number): string {
    let [end, bits] = [start, 0];
    for (let byte = this.#buffer[end]!; byte !== 0; byte = this.#buffer[++end]!) bits |= byte;
    return bits < 128
      ? this.#buffer.toString('latin1', start, end)
      : fromBytes(this.#buffer.subarray(start, end));
  }
}
