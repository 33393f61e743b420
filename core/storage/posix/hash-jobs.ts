import type { Algorithm } from '../../model/algorithm.ts';
import type { Identity } from './entry-rules.ts';

/** What a thread has to know to hash files of a tree. The descriptor is the whole process's. */
export type Hashing = {
  /** An open directory, the root of the tree. */
  readonly root: number;
  readonly algorithm: Algorithm;
  /** Files are read from their disk, not from what memory holds of them. */
  readonly isFresh: boolean;
  /** Also what symlinks lead to, as the tools do. */
  readonly followsSymlinks: boolean;
  /** Files that are left out: what is being written. */
  readonly passOver: readonly Identity[];
};

export type NamedFile = {
  readonly directory: string;
  readonly name: string;
  /** Another one for this file. */
  readonly algorithm?: Algorithm;
};

export type HashJob = {
  readonly kind: 'hash';
  readonly files: readonly NamedFile[];
  /** False: a large file is left, so that others are not kept waiting. */
  readonly takesLarge: boolean;
};

export type Hashed =
  | { readonly kind: 'digest'; readonly digest: string; readonly bytes: number }
  | { readonly kind: 'large' }
  /** No regular file, or one that is passed over. */
  | { readonly kind: 'left out' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly why: string };
