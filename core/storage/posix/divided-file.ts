import type { PartOutcome } from '../../model/outcome.ts';
import type { FileRequest, PartRequest } from '../storage.ts';
import type { ContentCopy } from './copy-content.ts';
import type { CopiedContent } from './copy-range.ts';
import { FileStatus, withBirth } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import { close, ENOENT, ENXIO, lseek, type NativeName, SEEK_DATA } from './libc.ts';
import { ftruncate } from './libc-content.ts';
import { renameat, unlinkat } from './libc-names.ts';
import { mendEntry } from './mend-entry.ts';
import { applyMetadata } from './metadata.ts';
import { openSource } from './open-source.ts';
import { openParts, reopenParts } from './parts-file.ts';
import { changeTries } from './put-file.ts';
import { type ComparedPlace, isSameContent, noteOfLeft } from './same-content.ts';
import { isSettled } from './settled-source.ts';
import type { SourcePlace } from './source-tree.ts';
import { Stopped } from './stop-flag.ts';
import { check, SystemError } from './system-error.ts';
import type { DirectoryFacts } from './trees.ts';

const before = new FileStatus();
const after = new FileStatus();
const existing = new FileStatus();

const sharedNote = 'metadata not mended: it has further names elsewhere';

export type FileDirectories = ComparedPlace & {
  /** What is known of the destination's directory. */
  readonly directory: DirectoryFacts;
  /** The one temporary file of all parts. */
  readonly temporary: NativeName;
};

/**
 * Writes one part into the temporary file, less of it when all is to stop, Stopped when that is nothing. Idempotent: the
 * same bytes at the same offsets. Throws a SystemError.
 */
export function putPart(request: PartRequest, where: FileDirectories, content: ContentCopy): PartOutcome {
  const source = openSource(where.sourceDirectory, where.sourceName, where.keeper.followsSymlinks);
  try {
    for (let tries = 1; tries <= changeTries; tries++) {
      if (before.readOpen(source, 'look at source').type !== 'file') break;
      const { version, bytes } = before;
      const range = {
        ordinal: request.ordinal,
        from: request.from,
        to: Math.max(request.from, request.to ?? bytes),
        version,
      };
      if (request.isDecided !== true && isThere(where, [range.from, range.to]))
        return { ...range, temporary: '', same: true };
      if (!isSettled(source, before)) continue;
      const written = writePart(source, where, content, [range.from, Math.min(range.to, bytes)]);
      const { temporary, way, stoppedAt: to = range.to, digest } = written;
      if (to === range.from && to < range.to) throw new Stopped();
      if (after.readAgain(source, 'look at source').version !== version) continue;
      content.count(way);
      return { ...range, to, temporary, same: false, ...(digest !== undefined && { digest }) };
    }
    throw new SystemError('CHANGED', 'copy');
  } finally {
    close(source);
  }
}

/** True when nothing is to be written: the destination has the same file, in this range, or is to keep what it has. */
function isThere(where: FileDirectories, range: readonly [number, number]): boolean {
  const found = existing.read(where.destinationDirectory, where.name) === 0;
  if (noteOfLeft(before, found ? existing : undefined, where) !== undefined) return true;
  return found && !where.isDoubted && isSameContent(where, before, existing, range);
}

type WrittenPart = Pick<CopiedContent, 'way' | 'stoppedAt' | 'digest'> & {
  /** The identity of the temporary file that now holds the bytes. */
  readonly temporary: string;
};

function writePart(
  source: number,
  where: FileDirectories,
  content: ContentCopy,
  [from, to]: readonly [number, number],
): WrittenPart {
  const { bytes, allocatedBytes, deviceNumber } = before;
  const devices = [deviceNumber, where.directory.device] as const;
  const destination = openParts(where);
  try {
    // A hole must not let through what an earlier version had there
    const maySkipHoles = allocatedBytes < bytes && !hasData(destination, from, to);
    const { bytes: _, ...how } = content.copy({
      source,
      destination,
      devices,
      from,
      to,
      bytes,
      maySkipHoles,
    });
    const temporary = after.readOpen(destination, 'look at the temporary file', withBirth).identity;
    return { temporary, ...how };
  } finally {
    close(destination);
  }
}

function hasData(fd: number, from: number, to: number): boolean {
  const data = lseek(fd, from, SEEK_DATA);
  return data === ENXIO ? false : data < to;
}

/** The version of the source file, and the identity of the temporary file; empty where there is none. */
export function readDividedState(where: FileDirectories): { version: string; temporary: string } {
  const version = readVersion({ directory: where.sourceDirectory, name: where.sourceName }, where.keeper);
  const found = existing.read(where.destinationDirectory, where.temporary, withBirth);
  const temporary = found === 0 ? existing.identity : '';
  return { version, temporary };
}

/** Empty where there is no such file. */
export function readVersion({ directory, name }: SourcePlace, { followsSymlinks }: Keeper): string {
  const result = followsSymlinks ? before.readFollowed(directory, name) : before.read(directory, name);
  return result === 0 ? before.version : '';
}

/**
 * Gives a file whose parts are all written its size, metadata and name. `CHANGED` when the source is no longer the
 * version that the parts came from, or when the temporary file is not the one that they were written to.
 */
export function completeParts(
  request: FileRequest,
  where: FileDirectories,
  content: ContentCopy,
): 'copied' | 'skipped' {
  const source = openSource(where.sourceDirectory, where.sourceName, where.keeper.followsSymlinks);
  try {
    return completeFrom(source, request, where, content);
  } finally {
    close(source);
  }
}

function completeFrom(
  source: number,
  request: FileRequest,
  where: FileDirectories,
  content: ContentCopy,
): 'copied' | 'skipped' {
  before.readOpen(source, 'look at source');
  if (before.version !== request.version) throw new SystemError('CHANGED', 'copy');
  if (request.same) return confirmThere(source, where);
  const status = existing.read(where.destinationDirectory, where.temporary, withBirth);
  // An earlier finish has renamed it and was ended before it could say so
  if (status === ENOENT && isSamePart(where)) return 'copied';
  check(status, 'look at the temporary file');
  const found = existing.read(where.destinationDirectory, where.name) === 0;
  // Somebody may have put there what is to be left
  if (noteOfLeft(before, found ? existing : undefined, where) !== undefined)
    return confirmThere(source, where);
  return completeTemporary(source, request, where, content);
}

/** What an earlier finish has made has the source's times too, if they are kept. */
function isSamePart({ destinationDirectory, name, keeper }: FileDirectories): boolean {
  if (existing.read(destinationDirectory, name) !== 0 || existing.type !== 'file') return false;
  return existing.bytes === before.bytes && (!keeper.times || existing.hasSameMtimeAs(before));
}

/** The parts have told that it is there, or is to be left: it must still be, and gets the rest of what the source has. */
function confirmThere(source: number, where: FileDirectories): 'skipped' {
  const { destinationDirectory, name, keeper } = where;
  const found = existing.read(destinationDirectory, name) === 0;
  const left = noteOfLeft(before, found ? existing : undefined, where);
  if (left !== undefined) keeper.note(left);
  // What checksum compares has been read by those who had the parts
  else if (!found || !isSameContent(where, before, existing, [0, 0]))
    throw new SystemError('CHANGED', 'look at destination');
  else if (!mendEntry({ place: where, status: before, source, existing })) keeper.note(sharedNote);
  // Of parts that were copied before it was there
  unlinkat(destinationDirectory, where.temporary, 0);
  return 'skipped';
}

function completeTemporary(
  source: number,
  { temporary: identity, fill = [] }: FileRequest,
  where: FileDirectories,
  content: ContentCopy,
): 'copied' {
  const { directory, destinationDirectory, temporary, name, keeper } = where;
  const fd = reopenParts(where, identity);
  try {
    check(ftruncate(fd, before.bytes), 'set size');
    for (const range of fill) fillIn(source, fd, where, content, range);
    // An earlier attempt may have made it, when its directory gave ACLs away
    applyMetadata(fd, { status: before, source, directory, keeper }, 'anything');
    // Its last parts may be on disk and its first not
    content.settle(fd);
    check(renameat(destinationDirectory, temporary, destinationDirectory, name), 'rename');
  } finally {
    close(fd);
  }
  return 'copied';
}

/** What was the same at the destination, of a file that was not the same as a whole. */
function fillIn(
  source: number,
  destination: number,
  { directory }: FileDirectories,
  content: ContentCopy,
  [from, to]: readonly [number, number],
): void {
  const { bytes, deviceNumber, version } = before;
  const devices = [deviceNumber, directory.device] as const;
  const range = { from, to: Math.min(to, bytes), bytes, maySkipHoles: false };
  const { way, stoppedAt } = content.copy({ source, destination, devices, ...range });
  if (stoppedAt !== undefined) throw new SystemError('EINTR', 'copy');
  content.count(way);
  if (after.readAgain(source, 'look at source').version !== version) throw new SystemError('CHANGED', 'copy');
}
