import type { Stamp } from '../../model/stamp.ts';

/**
 * Takes the entries of a walk in order. A name comes as bytes in a buffer, from `start` to the next zero byte, and
 * holds only during the call: nothing is made of it that nobody needs.
 */
export interface EntrySink {
  directory(path: string): void;
  /** With a stamp where one is to be on the tape. */
  file(buffer: Uint8Array, start: number, bytes: number, stamp?: Stamp): void;
  symlink(buffer: Uint8Array, start: number): void;
  special(buffer: Uint8Array, start: number): void;
  unreadable(buffer: Uint8Array, start: number, errno: string): void;
  /** The entry given last is one of several names of an inode, which has so many anywhere. */
  severalNames(inode: LinkedInode): void;
  /** The entry given last, a directory, file or symlink, is at the destination already; returns its number here, for `notSame`. */
  same(): number;
  notSame(index: number): void;
  /** Forgets what it was given. */
  clear(): void;
}

export type LinkedInode = {
  readonly device: string;
  readonly inodeLow: number;
  readonly inodeHigh: number;
  readonly names: number;
};
