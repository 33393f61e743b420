import type { PartOutcome } from '../../model/outcome.ts';
import type { FileRequest, PartRequest } from '../storage.ts';
import type { ContentCopy, CopiedContent } from './copy-content.ts';
import { FileStatus, withBirth } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import {
  close,
  ENOENT,
  ENXIO,
  ftruncate,
  lseek,
  type NativeName,
  renameat,
  SEEK_DATA,
  unlinkat,
} from './libc.ts';
import { applyMetadata } from './metadata.ts';
import { openParts, reopenParts } from './parts-file.ts';
import { changeTries, openSource } from './put-file.ts';
import { isSettled } from './settled-source.ts';
import { Stopped } from './stop-flag.ts';
import { check, SystemError } from './system-error.ts';
import type { DirectoryFacts } from './trees.ts';

const before = new FileStatus();
const after = new FileStatus();
const existing = new FileStatus();

export type FileDirectories = {
  readonly sourceDirectory: number;
  readonly destinationDirectory: number;
  readonly name: NativeName;
  /** What is known of the destination's directory. */
  readonly directory: DirectoryFacts;
  /** The one temporary file of all parts. */
  readonly temporary: NativeName;
  /** True: the source may be what a symlink of this name leads to. */
  readonly followsSymlinks: boolean;
  /** True: what has the name already is copied again, however much it looks like a copy. */
  readonly isDoubted: boolean;
};

/**
 * Writes one part into the temporary file, less of it when all is to stop, Stopped when that is nothing. Idempotent: the
 * same bytes at the same offsets. Throws a SystemError.
 */
export function putPart(request: PartRequest, where: FileDirectories, content: ContentCopy): PartOutcome {
  const source = openSource(where.sourceDirectory, where.name, where.followsSymlinks);
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
      if (!where.isDoubted && isThere(where)) return { ...range, temporary: '', same: true };
      if (!isSettled(source, before)) continue;
      const written = writePart(source, where, content, [range.from, Math.min(range.to, bytes)]);
      const { temporary, way, stoppedAt: to = range.to } = written;
      if (to === range.from && to < range.to) throw new Stopped();
      if (after.readAgain(source, 'look at source').version !== version) continue;
      content.count(way);
      return { ...range, to, temporary, same: false };
    }
    throw new SystemError('CHANGED', 'copy');
  } finally {
    close(source);
  }
}

function isThere({ destinationDirectory, name }: FileDirectories): boolean {
  return existing.read(destinationDirectory, name) === 0 && existing.hasSameContentAs(before);
}

type WrittenPart = Pick<CopiedContent, 'way' | 'stoppedAt'> & {
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
  const { sourceDirectory, name } = where;
  const result = where.followsSymlinks
    ? before.readFollowed(sourceDirectory, name)
    : before.read(sourceDirectory, name);
  const version = result === 0 ? before.version : '';
  const found = existing.read(where.destinationDirectory, where.temporary, withBirth);
  const temporary = found === 0 ? existing.identity : '';
  return { version, temporary };
}

type CompletionMeans = { readonly keeper: Keeper; readonly content: ContentCopy };

/**
 * Gives a file whose parts are all written its size, metadata and name. `CHANGED` when the source is no longer the
 * version that the parts came from, or when the temporary file is not the one that they were written to.
 */
export function completeParts(
  request: FileRequest,
  where: FileDirectories,
  means: CompletionMeans,
): 'copied' | 'skipped' {
  const source = openSource(where.sourceDirectory, where.name, where.followsSymlinks);
  try {
    return completeFrom(source, request, where, means);
  } finally {
    close(source);
  }
}

function completeFrom(
  source: number,
  request: FileRequest,
  where: FileDirectories,
  means: CompletionMeans,
): 'copied' | 'skipped' {
  before.readOpen(source, 'look at source');
  if (before.version !== request.version) throw new SystemError('CHANGED', 'copy');
  if (request.same) return confirmThere(where);
  const status = existing.read(where.destinationDirectory, where.temporary, withBirth);
  // An earlier finish has renamed it and was ended before it could say so
  if (status === ENOENT && isThere(where)) return 'copied';
  check(status, 'look at the temporary file');
  return completeTemporary(source, where, { ...means, identity: request.temporary });
}

function confirmThere(where: FileDirectories): 'skipped' {
  if (!isThere(where)) throw new SystemError('CHANGED', 'look at destination');
  // Of parts that were copied before it was there
  unlinkat(where.destinationDirectory, where.temporary, 0);
  return 'skipped';
}

function completeTemporary(
  source: number,
  where: FileDirectories,
  { keeper, content, identity }: CompletionMeans & { readonly identity: string },
): 'copied' {
  const { directory, destinationDirectory, temporary, name } = where;
  const fd = reopenParts(where, identity);
  try {
    check(ftruncate(fd, before.bytes), 'set size');
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
