import { STATX_BASIC_STATS, STATX_BTIME, STATX_MNT_ID } from './libc-metadata.ts';
import { StatusBuffer } from './status-buffer.ts';

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const STATX_ATTR_IMMUTABLE = 0x10;
const STATX_ATTR_APPEND = 0x20;
const STATX_ATTR_MOUNT_ROOT = 0x2000;
const high = 2 ** 32;
/** The mask for `identity`. */
export const withBirth = STATX_BASIC_STATS | STATX_BTIME;
/** The mask for `isInMountOf`. */
export const withMount = STATX_BASIC_STATS | STATX_MNT_ID;

/** What statx(2) says of one file. Values hold until the next read. */
export class FileStatus extends StatusBuffer {
  /** atime and mtime as two struct timespec, for futimens(3). */
  readonly #times = new Uint8Array(32);

  /** True when type, mode, owner, size and mtime are those of a stamp (see SeenEntries), of the mode and the owner only what is masked. */
  hasStamp(stamps: Uint32Array, at: number, modeMask: number, ownerMask: number): boolean {
    const view = this.view;
    return (
      view.getUint32(120, true) === stamps[at + 7] &&
      view.getUint32(112, true) === stamps[at + 5] &&
      view.getUint32(40, true) === stamps[at + 3] &&
      ((view.getUint16(28, true) ^ (stamps[at]! | S_IFREG)) & modeMask) === 0 &&
      ((view.getUint32(20, true) ^ stamps[at + 1]!) & ownerMask) === 0 &&
      ((view.getUint32(24, true) ^ stamps[at + 2]!) & ownerMask) === 0 &&
      view.getUint32(116, true) === stamps[at + 6] &&
      view.getUint32(44, true) === stamps[at + 4]
    );
  }

  /** As isCopyOf, but for the size: that of a directory is the file system's affair. */
  hasSameMetadataAs(other: FileStatus, modeMask: number, ownerMask: number): boolean {
    const [mine, others] = [this.words, other.words];
    const isSameOwner =
      ((mine[5]! ^ others[5]!) & ownerMask) === 0 && ((mine[6]! ^ others[6]!) & ownerMask) === 0;
    return isSameOwner && ((mine[7]! ^ others[7]!) & modeMask) === 0 && this.hasSameMtimeAs(other);
  }

  /** True when type, mode, owner, size and mtime are the same, of the mode and the owner only what is masked. */
  isCopyOf(other: FileStatus, modeMask: number, ownerMask: number): boolean {
    const mine = this.words;
    const others = other.words;
    return (
      mine[30] === others[30] &&
      mine[28] === others[28] &&
      mine[10] === others[10] &&
      ((mine[7]! ^ others[7]!) & modeMask) === 0 &&
      ((mine[5]! ^ others[5]!) & ownerMask) === 0 &&
      ((mine[6]! ^ others[6]!) & ownerMask) === 0 &&
      mine[29] === others[29] &&
      mine[11] === others[11]
    );
  }

  /** Five words that change as soon as anything of the file does: inode, and ctime. */
  writeChange(words: Uint32Array, at: number): void {
    const mine = this.words;
    words[at] = mine[8]!;
    words[at + 1] = mine[9]!;
    words[at + 2] = mine[24]!;
    words[at + 3] = mine[25]!;
    words[at + 4] = mine[26]!;
  }

  get mode(): number {
    return this.words[7]! & 0o7777;
  }
  get type(): 'file' | 'directory' | 'symlink' | 'special' {
    const type = this.words[7]! & S_IFMT;
    if (type === 0o100000) return 'file';
    if (type === 0o040000) return 'directory';
    return type === 0o120000 ? 'symlink' : 'special';
  }
  /** Type and permission bits as mknod(2) takes them. */
  get fullMode(): number {
    return this.view.getUint16(28, true);
  }
  get links(): number {
    return this.words[4]!;
  }
  get uid(): number {
    return this.words[5]!;
  }
  get gid(): number {
    return this.words[6]!;
  }
  get bytes(): number {
    return this.numberAt(40);
  }
  /** Bytes that are allocated: fewer than `bytes` when there are holes. */
  get allocatedBytes(): number {
    return this.numberAt(48) * 512;
  }
  /** What the file system allocates, or would like to be asked for, at once. */
  get blockBytes(): number {
    return this.view.getUint32(4, true);
  }
  get mtime(): string {
    return this.timeAt(112);
  }
  get mtimeNs(): bigint {
    return this.view.getBigInt64(112, true) * 1_000_000_000n + BigInt(this.view.getUint32(120, true));
  }
  get inodeLow(): number {
    return this.words[8]!;
  }
  get inodeHigh(): number {
    return this.words[9]!;
  }
  get inode(): string {
    return String(this.view.getBigUint64(32, true));
  }
  /**
   * Inode and, where the file system tells it, birth: an inode number alone goes to another file as soon as its own is
   * gone. For what was read with `withBirth`.
   */
  get identity(): string {
    const hasBirth = (this.view.getUint32(0, true) & STATX_BTIME) !== 0;
    return hasBirth ? `${this.inode}:${this.timeAt(80)}` : this.inode;
  }
  get device(): string {
    return `${this.view.getUint32(136, true)}:${this.view.getUint32(140, true)}`;
  }
  /** The file system's device as the kernel packs it (12 and 20 bits), to compare and to remember: a small integer is looked up fast. */
  get deviceNumber(): number {
    return (this.words[34]! << 20) | this.words[35]!;
  }
  get isImmutable(): boolean {
    return (this.words[2]! & STATX_ATTR_IMMUTABLE) !== 0;
  }
  get isAppendOnly(): boolean {
    return (this.words[2]! & STATX_ATTR_APPEND) !== 0;
  }
  /** Something is mounted here; older kernels (before 5.8) do not tell. */
  get isMountRoot(): boolean {
    return (this.view.getUint32(8, true) & STATX_ATTR_MOUNT_ROOT) !== 0;
  }
  get isDevice(): boolean {
    const type = this.view.getUint16(28, true) & S_IFMT;
    return type === 0o020000 || type === 0o060000;
  }
  /** The device that a device file stands for, as makedev(3) packs it. */
  get specialDevice(): number {
    const major = this.view.getUint32(128, true);
    const minor = this.view.getUint32(132, true);
    return (minor & 0xff) + (major & 0xfff) * 256 + Math.floor(minor / 256) * 2 ** 20;
  }

  /** Differs as soon as content or metadata of the file did: `SIZE:MTIME:CTIME:INODE`. */
  get version(): string {
    return `${this.bytes}:${this.timeAt(112)}:${this.timeAt(96)}:${this.inode}`;
  }

  get ctimeMs(): number {
    return this.msAt(96);
  }
  get mtimeMs(): number {
    return this.msAt(112);
  }
  get mtimeSeconds(): number {
    return this.view.getUint32(112, true) + this.view.getInt32(116, true) * high;
  }
  get mtimeNanoseconds(): number {
    return this.view.getUint32(120, true);
  }
  /** Undefined where the file system does not tell; for what was read with `withBirth`. */
  get birthMs(): number | undefined {
    if ((this.view.getUint32(0, true) & STATX_BTIME) === 0) return undefined;
    return this.numberAt(80) * 1000 + this.view.getUint32(88, true) / 1e6;
  }
  get ctimeHasFraction(): boolean {
    return this.view.getUint32(104, true) !== 0;
  }

  /** Within `windowSeconds`; without it to the nanosecond. */
  hasSameMtimeAs(other: FileStatus, windowSeconds = 0): boolean {
    return (
      this.sameBytes(other, 112, 124) || (windowSeconds > 0 && Math.abs(this.#after(other)) <= windowSeconds)
    );
  }

  isNewerThan(other: FileStatus, windowSeconds: number): boolean {
    return this.#after(other) > windowSeconds;
  }

  /** True when size, mtime and ctime are the same: nobody wrote to it in between. */
  isUnchangedSince(other: FileStatus): boolean {
    return this.sameBytes(other, 40, 48) && this.sameBytes(other, 96, 108) && this.sameBytes(other, 112, 124);
  }

  isSameFileAs(other: FileStatus): boolean {
    return this.sameBytes(other, 32, 40) && this.sameBytes(other, 136, 144);
  }

  /** False for what is on another file system, or at another place of the same one; by its name, older kernels (before 5.8) tell only the first. */
  isInMountOf(other: FileStatus): boolean {
    const tells = this.view.getUint32(0, true) & other.view.getUint32(0, true) & STATX_MNT_ID;
    return this.sameBytes(other, 136, 144) && (tells === 0 || this.sameBytes(other, 144, 152));
  }

  /** atime and mtime in nanoseconds, as futimens(3) takes them. */
  get times(): Uint8Array {
    this.#times.set(this.buffer.subarray(64, 76), 0);
    this.#times.set(this.buffer.subarray(112, 124), 16);
    return this.#times;
  }

  /** By how many seconds it was modified after the other. */
  #after(other: FileStatus): number {
    const seconds = Number(this.view.getBigInt64(112, true) - other.view.getBigInt64(112, true));
    return seconds + (this.view.getUint32(120, true) - other.view.getUint32(120, true)) / 1e9;
  }
}
