import type { Comparison } from '../../model/compare.ts';
import { leftOutNotes } from '../../model/fidelity.ts';
import type { FileStatus } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import { close, type NativeName } from './libc.ts';
import { pread } from './libc-content.ts';
import { takeBytes } from './limits.ts';
import { openExisting, openSource } from './open-source.ts';
import { Stopped } from './stop-flag.ts';
import { check, SystemError } from './system-error.ts';

const bufferBytes = 256 * 1024;
let buffers: readonly [Buffer, Buffer] | undefined;

/** An entry at both sides, and by what rules it is copied or not. */
export type ComparedPlace = {
  readonly sourceDirectory: number;
  readonly destinationDirectory: number;
  readonly name: NativeName;
  /** The name in the source's directory: only of a root of the source it may be another. */
  readonly sourceName: NativeName;
  readonly keeper: Keeper;
  readonly compare: Comparison;
  /** True: what has the name already is copied again, however much it looks like a copy. */
  readonly isDoubted: boolean;
};

/** The note of an entry that is not to be copied whatever the source has; `there` is undefined when nothing has its name. */
export function noteOfLeft(
  source: FileStatus,
  there: FileStatus | undefined,
  { compare, isDoubted, keeper }: Pick<ComparedPlace, 'compare' | 'isDoubted' | 'keeper'>,
): string | undefined {
  if (there === undefined) return compare.existing ? leftOutNotes.missing : undefined;
  // Only what has the source's times can be a copy that was lost
  if (isDoubted && keeper.times && there.hasSameMtimeAs(source)) return undefined;
  if (compare.ignoreExisting) return leftOutNotes.there;
  return compare.update && there.type !== 'directory' && there.isNewerThan(source, compare.windowSeconds)
    ? leftOutNotes.newer
    : undefined;
}

/** The same of what is in a directory that the destination does not have, or has something else in place of. */
export function noteOfLeftDirectory(error: unknown, compare: Comparison): string | undefined {
  if (!(error instanceof SystemError) || error.action !== 'open destination directory') return undefined;
  if (error.cause === 'ENOENT') return compare.existing ? leftOutNotes.missing : undefined;
  const isInTheWay = error.cause === 'ENOTDIR' || error.cause === 'ELOOP';
  return isInTheWay && keepsWhatIsThere(compare) ? leftOutNotes.there : undefined;
}

/** True when a directory must not take the place of something else. */
export function keepsWhatIsThere({ update, ignoreExisting }: Comparison): boolean {
  return update || ignoreExisting;
}

/**
 * True when both sides hold the same file, by the test that was asked for; `range` is all that `checksum` compares.
 * Throws a SystemError when the source cannot be read, and Stopped.
 */
export function isSameContent(
  place: ComparedPlace,
  source: FileStatus,
  there: FileStatus,
  [from, to]: readonly [number, number] = [0, source.bytes],
): boolean {
  const { by, windowSeconds, tailBytes } = place.compare;
  if (source.type !== 'file' || there.type !== 'file' || source.bytes !== there.bytes) return false;
  if (by === 'mtime') return there.hasSameMtimeAs(source, windowSeconds);
  if (by === 'size') return true;
  const { bytes } = source;
  if (by === 'tail') return haveSameBytes(place, Math.max(0, bytes - tailBytes), bytes);
  return haveSameBytes(place, from, Math.min(to, bytes));
}

function haveSameBytes(place: ComparedPlace, from: number, to: number): boolean {
  if (from >= to) return true;
  const source = openSource(place.sourceDirectory, place.sourceName, place.keeper.followsSymlinks);
  try {
    const there = openExisting(place.destinationDirectory, place.name);
    if (there < 0) return false;
    try {
      return compareBytes(source, there, from, to);
    } finally {
      close(there);
    }
  } finally {
    close(source);
  }
}

function compareBytes(source: number, there: number, from: number, to: number): boolean {
  buffers ??= [Buffer.allocUnsafeSlow(bufferBytes), Buffer.allocUnsafeSlow(bufferBytes)];
  const [ours, theirs] = buffers;
  for (let at = from; at < to; ) {
    const taken = takeBytes(Math.min(bufferBytes, to - at));
    if (taken === 0) throw new Stopped();
    const read = check(pread(source, ours, taken, at), 'read');
    if (read === 0 || !readAll(there, theirs, read, at)) return false;
    if (ours.compare(theirs, 0, read, 0, read) !== 0) return false;
    at += read;
  }
  return true;
}

function readAll(fd: number, buffer: Buffer, bytes: number, at: number): boolean {
  for (let done = 0; done < bytes; ) {
    const read = pread(fd, done === 0 ? buffer : buffer.subarray(done), bytes - done, at + done);
    if (read <= 0) return false;
    done += read;
  }
  return true;
}
