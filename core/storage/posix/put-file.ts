import type { Way } from '../../model/ways.ts';
import type { ContentCopy } from './copy-content.ts';
import { FileStatus } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import {
  close,
  EPERM,
  ftruncate,
  type NativeName,
  O_CLOEXEC,
  O_NOATIME,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  openat,
} from './libc.ts';
import { applyMetadata } from './metadata.ts';
import { type FilePlace, NewFile } from './new-file.ts';
import { isSettled } from './settled-source.ts';
import { Stopped } from './stop-flag.ts';
import { check, SystemError } from './system-error.ts';
import type { DirectoryFacts } from './trees.ts';

/** How often a file that changes while it is copied is copied again before that is its outcome. */
export const changeTries = 3;

const readFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
const before = new FileStatus();
const after = new FileStatus();
const existing = new FileStatus();
let noAtime = O_NOATIME;

export type PutRequest = FilePlace & {
  readonly sourceDirectory: number;
  /** False where nothing can be in the way: then the destination is not looked at. */
  readonly mayExist: boolean;
  /** What is known of the destination's directory. */
  readonly directory: DirectoryFacts;
  readonly keeper: Keeper;
  readonly content: ContentCopy;
};

/** Opens a file of the source for reading, without leaving a trace in its atime where the user may do that. */
export function openSource(directory: number, name: NativeName, followsSymlinks: boolean): number {
  const flags = followsSymlinks ? readFlags : readFlags | O_NOFOLLOW;
  let fd = openat(directory, name, flags | noAtime, 0);
  if (fd === EPERM && noAtime !== 0) {
    noAtime = 0;
    fd = openat(directory, name, flags, 0);
  }
  return check(fd, 'open source');
}

/**
 * Copies one file: content and metadata first, and only then it gets its name. `skipped` when the
 * destination holds the same file (type, size and mtime). Throws a SystemError, or Stopped when all is to stop, and
 * leaves nothing behind then.
 */
export function putFile(request: PutRequest): 'copied' | 'skipped' {
  return putSmallFile(request, Number.POSITIVE_INFINITY) as 'copied' | 'skipped';
}

/** The same, but `large` of a file with so much content that can only be copied, and not shared. */
export function putSmallFile(request: PutRequest, largeFrom: number): 'copied' | 'skipped' | 'large' {
  const source = openSource(request.sourceDirectory, request.name, request.keeper.followsSymlinks);
  try {
    for (let tries = 1; ; tries++) {
      readRegular(source);
      if (request.mayExist && isThere(request)) return 'skipped';
      const isLarge = Math.min(before.bytes, before.allocatedBytes) >= largeFrom;
      if (isLarge && !request.content.mayShare(devicesOf(request))) return 'large';
      const result = isSettled(source, before) ? copyOnce(request, source, isLarge) : 'changed';
      if (result !== 'changed') return result;
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

/** Nothing is left at the destination of a file that `changed` meanwhile, or is `large`. */
function copyOnce(request: PutRequest, source: number, isLarge: boolean): 'copied' | 'changed' | 'large' {
  const file = new NewFile(request);
  let isDone = false;
  try {
    const way = fill(request, file.fd, source, isLarge);
    if (way === 'none') return 'large';
    const { directory, keeper, content } = request;
    // A mixture must not run as anybody, under no name
    if ((before.mode & 0o6000) !== 0 && hasChanged(source)) return 'changed';
    applyMetadata(file.fd, { status: before, source, directory, keeper });
    if (hasChanged(source)) return 'changed';
    content.secure(file.fd);
    isDone = file.publish();
    if (isDone) content.count(way);
  } finally {
    file.close(isDone);
  }
  return isDone ? 'copied' : copyOnce(request, source, isLarge);
}

function hasChanged(source: number): boolean {
  return !after.readAgain(source, 'look at source').isUnchangedSince(before);
}

/** All of the source's content; returns the way it went, `none` when only sharing would do and cannot. */
function fill(
  request: PutRequest,
  destination: number,
  source: number,
  isShared: boolean,
): Way | 'none' | undefined {
  const { bytes } = before;
  const maySkipHoles = before.allocatedBytes < bytes;
  const devices = devicesOf(request);
  const whole = { source, destination, devices, from: 0, to: bytes, bytes, maySkipHoles };
  if (isShared) return request.content.share(whole) ? 'reflink' : 'none';
  const copied = request.content.copy(whole);
  if (copied.stoppedAt !== undefined) throw new Stopped();
  if (maySkipHoles && copied.bytes < bytes) {
    // ext4 has a size that was set on disk before the content
    if (copied.bytes > 0) request.content.settle(destination);
    check(ftruncate(destination, bytes), 'set size');
  }
  return copied.way;
}

function devicesOf({ directory }: PutRequest): readonly [source: number, destination: number] {
  return [before.deviceNumber, directory.device];
}
