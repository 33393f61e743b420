import {
  AT_EMPTY_PATH,
  AT_NO_AUTOMOUNT,
  AT_STATX_FORCE_SYNC,
  AT_SYMLINK_NOFOLLOW,
  addressOf,
  type NativeName,
} from './libc.ts';
import {
  STATX_BASIC_STATS,
  STATX_MNT_ID,
  STATX_SCAN,
  statx,
  statxAt,
  statxAtAsync,
} from './libc-metadata.ts';
import { mountIdOf } from './mount-id.ts';
import { check } from './system-error.ts';

const high = 2 ** 32;
const statusBytes = 256;

/**
 * What statx(2) says of one file, read into a buffer that is used again and again (struct statx, linux/stat.h: the same
 * layout on every architecture), with the values at its offsets as JavaScript has them.
 */
export abstract class StatusBuffer {
  /** With an empty name behind it. */
  protected readonly buffer = new Uint8Array(statusBytes + 8);
  protected readonly view = new DataView(this.buffer.buffer);
  protected readonly words = new Uint32Array(this.buffer.buffer);
  readonly #address = addressOf(this.buffer);

  /** Returns 0, or the negative errno. Symlinks are not followed. */
  read(directory: number, name: NativeName, mask = STATX_BASIC_STATS): number {
    return statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, mask, this.buffer);
  }

  /** The same for a name given by its address, and only of what the scan wants to know. */
  readAt(directory: number, name: number, mask = STATX_SCAN): number {
    return statxAt(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, mask, this.#address);
  }

  /** The same without waiting: values hold when the promise is kept, and until then nothing else may be read. */
  readAtAsync(directory: number, name: number, mask = STATX_SCAN): Promise<number> {
    return statxAtAsync(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, mask, this.#address);
  }

  /** The same of what a symlink leads to. */
  readFollowed(directory: number, name: NativeName): number {
    return statx(directory, name, AT_NO_AUTOMOUNT, STATX_BASIC_STATS, this.buffer);
  }

  /** Reads the status of an open file; throws a SystemError. */
  readOpen(fd: number, action: string, mask = STATX_BASIC_STATS): this {
    check(this.tryOpen(fd, mask), action);
    if ((mask & STATX_MNT_ID) !== 0) this.#completeMount(fd);
    return this;
  }

  /** The same, but returns 0, or the negative errno. */
  tryOpen(fd: number, mask = STATX_BASIC_STATS): number {
    return statx(fd, '', AT_EMPTY_PATH, mask, this.buffer);
  }

  /** The same without waiting. */
  readOpenAsync(fd: number): Promise<number> {
    return statxAtAsync(fd, this.#address + statusBytes, AT_EMPTY_PATH, STATX_BASIC_STATS, this.#address);
  }

  /** The same, and a network file system asks its server instead of what it remembers. */
  readAgain(fd: number, action: string, mask = STATX_BASIC_STATS): this {
    check(statx(fd, '', AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, mask, this.buffer), action);
    return this;
  }

  /** What older kernels (before 5.8) leave out, of what is open. */
  #completeMount(fd: number): void {
    const told = this.view.getUint32(0, true);
    const mount = (told & STATX_MNT_ID) === 0 ? mountIdOf(fd) : undefined;
    if (mount === undefined) return;
    this.view.setBigUint64(144, mount, true);
    this.view.setUint32(0, told | STATX_MNT_ID, true);
  }

  protected timeAt(at: number): string {
    return `${this.view.getBigInt64(at, true)}.${String(this.view.getUint32(at + 8, true)).padStart(9, '0')}`;
  }

  /** Before 1970 too. */
  protected msAt(at: number): number {
    const seconds = this.view.getUint32(at, true) + this.view.getInt32(at + 4, true) * high;
    return seconds * 1000 + this.view.getUint32(at + 8, true) / 1e6;
  }

  protected numberAt(at: number): number {
    const word = at >> 2;
    return this.words[word]! + this.words[word + 1]! * high;
  }

  protected sameBytes(other: StatusBuffer, from: number, to: number): boolean {
    for (let i = from; i < to; i++) if (this.buffer[i] !== other.buffer[i]) return false;
    return true;
  }
}
