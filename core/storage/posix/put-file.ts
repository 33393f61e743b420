import { leftOutNotes } from '../../model/fidelity.ts';
import type { Way } from '../../model/ways.ts';
import type { ContentCopy } from './copy-content.ts';
import { FileStatus } from './file-status.ts';
import { close } from './libc.ts';
import { ftruncate } from './libc-content.ts';
import { mendEntry } from './mend-entry.ts';
import { applyMetadata } from './metadata.ts';
import { type FilePlace, NewFile } from './new-file.ts';
import { openSource } from './open-source.ts';
import type { PlainCopies } from './plain-copies.ts';
import { type ComparedPlace, isSameContent, noteOfLeft } from './same-content.ts';
import { isSettled } from './settled-source.ts';
import { Stopped } from './stop-flag.ts';
import { check, SystemError } from './system-error.ts';
import type { DirectoryFacts } from './trees.ts';

/** How often a file that changes while it is copied is copied again before that is its outcome. */
export const changeTries = 3;

const before = new FileStatus();
const after = new FileStatus();
const existing = new FileStatus();

export type PutRequest = FilePlace &
  ComparedPlace & {
    /** False where nothing can be in the way: then the destination is not looked at. */
    readonly mayExist: boolean;
    /** What is known of the destination's directory. */
    readonly directory: DirectoryFacts;
    readonly content: ContentCopy;
    /** Left out: nobody wants to know. */
    readonly plain?: PlainCopies | undefined;
  };

/**
 * Copies one file: content and metadata first, and only then it gets its name. `skipped` when the destination holds
 * the same file, which gets the source's metadata where only these differ, or is to keep what it has. Throws a
 * SystemError, or Stopped when all is to stop, and leaves nothing behind then.
 */
export function putFile(request: PutRequest): 'copied' | 'skipped' {
  return putSmallFile(request, Number.POSITIVE_INFINITY) as 'copied' | 'skipped';
}

/** The same, but `large` of a file with so much content that can only be copied, and not shared. */
export function putSmallFile(request: PutRequest, largeFrom: number): 'copied' | 'skipped' | 'large' {
  if (isThere(request)) return 'skipped';
  const source = openSource(request.sourceDirectory, request.sourceName, request.keeper.followsSymlinks);
  try {
    for (let tries = 1; ; tries++) {
      readRegular(source);
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

/** Most of what is there is told by two calls, and opened at neither side. */
function isThere(request: PutRequest): boolean {
  const { mayExist, sourceDirectory, sourceName, destinationDirectory, name, keeper, compare } = request;
  if (!mayExist || existing.read(destinationDirectory, name) !== 0) {
    if (compare.existing) keeper.note(leftOutNotes.missing);
    return compare.existing;
  }
  if (keeper.followsSymlinks) return isOpenThere(request);
  // What is wrong with it is told when it is opened
  if (before.read(sourceDirectory, sourceName) !== 0 || before.type !== 'file') return false;
  return isLeft(request) || (isSame(request) && mendFile(request));
}

/** What a symlink leads to has attributes only when it is open: by a name they would be the symlink's. */
function isOpenThere(request: PutRequest): boolean {
  const source = openSource(request.sourceDirectory, request.sourceName, true);
  try {
    readRegular(source);
    return isLeft(request) || (isSame(request) && mendFile(request, source));
  } finally {
    close(source);
  }
}

function isLeft(request: PutRequest): boolean {
  const note = noteOfLeft(before, existing, request);
  if (note !== undefined) request.keeper.note(note);
  return note !== undefined;
}

function isSame(request: PutRequest): boolean {
  return !request.isDoubted && isSameContent(request, before, existing);
}

function mendFile(request: PutRequest, source?: number): boolean {
  return mendEntry({ place: request, status: before, source, existing });
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
    const isPlain = applyMetadata(file.fd, { status: before, source, directory, keeper });
    if (hasChanged(source)) return 'changed';
    content.secure(file.fd);
    isDone = file.publish();
    if (isDone) content.count(way);
    if (isDone) content.keepDigest(before);
    if (isDone && isPlain && !keeper.followsSymlinks) request.plain?.add(source, before, file.fd, request);
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
