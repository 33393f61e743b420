import type { Entry } from '../../model/entry.ts';
import type { EntrySink } from './entry-sink.ts';
import { FileStatus } from './file-status.ts';
import { AT_FDCWD, chdir, close, nativeName, O_CLOEXEC, O_DIRECTORY, O_RDONLY, openat } from './libc.ts';
import { ParallelWalk, type ParallelWalkOptions, type WalkedChunk } from './parallel-walk.ts';
import { check } from './system-error.ts';
import { TreeWalk, type WalkOptions } from './walk.ts';

export type { Identity } from './entry-rules.ts';

export type ScanRequest = Omit<WalkOptions, 'root'> & {
  /** Absolute path of the source. */ readonly path: string;
};
export type ParallelScanRequest<S extends EntrySink> = Omit<ParallelWalkOptions<S>, 'root' | 'forbidden'> &
  Pick<ScanRequest, 'path' | 'forbidden'>;

/** Walks a tree (see TreeWalk) from its path; throws a SystemError when the root itself cannot be opened. */
export function* scanTree({ path, ...options }: ScanRequest): Generator<Entry> {
  const root = openScanned(path);
  try {
    yield* new TreeWalk({ ...options, root }).entries();
  } finally {
    close(root);
  }
}

/** The same, several directories at a time (see ParallelWalk); the reason of the signal is thrown once it is aborted. */
export async function* scanTreeInParallel<S extends EntrySink>(
  { path, forbidden, ...options }: ParallelScanRequest<S>,
  signal: AbortSignal,
): AsyncGenerator<WalkedChunk<S>> {
  const root = openScanned(path);
  try {
    yield* walkInParallel({ ...options, forbidden, root }, signal);
  } finally {
    close(root);
  }
}

/** The same of what is open. */
export async function* walkInParallel<S extends EntrySink>(
  { forbidden, ...options }: Omit<ParallelWalkOptions<S>, 'forbidden'> & Pick<ScanRequest, 'forbidden'>,
  signal: AbortSignal,
): AsyncGenerator<WalkedChunk<S>> {
  const walk = new ParallelWalk({ ...options, forbidden: forbidden?.identity }, signal);
  const met = yield* walk.chunks();
  if (met !== undefined) forbidden?.refuse(met);
}

/** Opens a directory that is to be scanned. Throws a SystemError. */
export function openScanned(path: string): number {
  const opened = openat(AT_FDCWD, nativeName(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  return check(opened, 'open the source');
}

/** Goes to a directory whatever bytes its path has; false when that is not possible. */
export function changeDirectory(path: string): boolean {
  return chdir(nativeName(path)) === 0;
}

/** Device and inode of what a path leads to, symlinks not followed; undefined when there is nothing. */
export function identityOf(path: string): { device: string; inode: string } | undefined {
  const status = new FileStatus();
  return status.read(AT_FDCWD, nativeName(path)) < 0
    ? undefined
    : { device: status.device, inode: status.inode };
}

/** The same of an open file. */
export function identityOfOpen(fd: number): { device: string; inode: string } {
  const { device, inode } = new FileStatus().readOpen(fd, 'look at an open file');
  return { device, inode };
}
