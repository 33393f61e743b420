import { copyContent } from './copy-content.ts';
import { FileStatus } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import {
  close,
  EEXIST,
  EPERM,
  ftruncate,
  type NativeName,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOATIME,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  openat,
  renameat,
  unlinkat,
} from './libc.ts';
import { applyMetadata } from './metadata.ts';
import { check, SystemError } from './system-error.ts';
import type { DirectoryFacts } from './trees.ts';

/** How often a file that changes while it is copied is copied again before that is its outcome. */
export const changeTries = 3;

const readFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
const before = new FileStatus();
const after = new FileStatus();
const existing = new FileStatus();
let noAtime = O_NOATIME;

export type PutRequest = {
  readonly sourceDirectory: number;
  readonly destinationDirectory: number;
  readonly name: NativeName;
  readonly temporary: NativeName;
  /** False where nothing can be in the way: then the destination is not looked at. */
  readonly mayExist: boolean;
  /** What is known of the destination's directory. */
  readonly directory: DirectoryFacts;
  readonly keeper: Keeper;
};

/** Opens a file of the source for reading, without leaving a trace in its atime where the user may do that. */
export function openSource(directory: number, name: NativeName): number {
  let fd = openat(directory, name, readFlags | noAtime, 0);
  if (fd === EPERM && noAtime !== 0) {
    noAtime = 0;
    fd = openat(directory, name, readFlags, 0);
  }
  return check(fd, 'open source');
}

/**
 * Copies one file: under a temporary name, with its metadata, and only then under its own. `skipped` when the
 * destination holds the same file (type, size and mtime). Throws a SystemError and leaves nothing behind then.
 */
export function putFile(request: PutRequest): 'copied' | 'skipped' {
  const source = openSource(request.sourceDirectory, request.name);
  try {
    for (let tries = 1; ; tries++) {
      readRegular(source);
      if (request.mayExist && isThere(request)) return 'skipped';
      if (copyOnce(request, source)) return 'copied';
      if (tries === changeTries) throw new SystemError('CHANGED', 'copy');
    }
  } finally {
    close(source);
  }
}

function readRegular(source: number): void {
  if (before.readOpen(source, 'look at source').type !== 'file')
    throw new SystemError('CHANGED', 'open source');
}

function isThere({ destinationDirectory, name }: PutRequest): boolean {
  return existing.read(destinationDirectory, name) === 0 && existing.hasSameContentAs(before);
}

/** False when the source changed meanwhile; then nothing was left at the destination. */
function copyOnce(request: PutRequest, source: number): boolean {
  const { destinationDirectory, temporary, name } = request;
  const destination = createTemporary(destinationDirectory, temporary);
  try {
    const { bytes } = before;
    const maySkipHoles = before.allocatedBytes < bytes;
    const copied = copyContent({ source, destination, from: 0, to: bytes, maySkipHoles });
    if (maySkipHoles && copied < bytes) check(ftruncate(destination, bytes), 'set size');
    const { directory, keeper } = request;
    applyMetadata(destination, { status: before, source, directory, keeper });
    if (!after.readOpen(source, 'look at source').isUnchangedSince(before)) return discard(request);
    check(renameat(destinationDirectory, temporary, destinationDirectory, name), 'rename');
    return true;
  } catch (error) {
    discard(request);
    throw error;
  } finally {
    close(destination);
  }
}

/** Creates a file of mode 0600 that was not there; one of the same name was left by this writer's own earlier try. */
export function createTemporary(directory: number, name: NativeName): number {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  let fd = openat(directory, name, flags, 0o600);
  if (fd === EEXIST) {
    unlinkat(directory, name, 0);
    fd = openat(directory, name, flags, 0o600);
  }
  return check(fd, 'create');
}

function discard({ destinationDirectory, temporary }: PutRequest): false {
  unlinkat(destinationDirectory, temporary, 0);
  return false;
}
