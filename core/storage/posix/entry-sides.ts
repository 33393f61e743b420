import type { Difference } from '../../model/difference.ts';
import { fromBytes, quoteName } from '../../model/names.ts';
import type { InodeOfMany } from './compare-jobs.ts';
import type { FileStatus } from './file-status.ts';
import { close, ENOENT } from './libc.ts';
import { readlinkat } from './libc-names.ts';
import { openSource } from './open-source.ts';
import type { SourcePlace } from './source-tree.ts';
import { check, SystemError } from './system-error.ts';

/** One of both trees: the open directory of an entry, its name there, and what the entry is like. */
export type Side = SourcePlace & { readonly status: FileStatus };
/** The same where the directory itself may not be there: undefined. */
export type PossibleSide = { readonly place: SourcePlace | undefined; readonly status: FileStatus };
export type Found = Pick<Difference, 'kind' | 'detail'>;

const targetBytes = Buffer.allocUnsafeSlow(4096);

/** Reads both; what vanished in between, or is there on one side only. Throws a SystemError. */
export function whyGone(source: PossibleSide, destination: PossibleSide): Found | 'both' | undefined {
  const read = ({ place, status }: PossibleSide, action: string) => {
    if (place === undefined) return ENOENT;
    const { directory, name } = place;
    const result = status.read(directory, name);
    return result === ENOENT ? result : check(result, action);
  };
  const [from, to] = [read(source, 'look at source'), read(destination, 'look at destination')];
  if (from < 0 && to < 0) return 'both';
  if (to < 0) return { kind: 'missing', detail: unlessFile(source.status) };
  return from < 0 ? { kind: 'extra', detail: unlessFile(destination.status) } : undefined;
}

const goneCauses = ['ENOENT', 'ENOTDIR', 'ELOOP'];

/** Where an entry of one side is; undefined where its directory is not there, or is something else. Throws any other SystemError. */
export function placeIfThere(find: () => SourcePlace): SourcePlace | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof SystemError && goneCauses.includes(error.cause)) return undefined;
    throw error;
  }
}

/** Most are. */
function unlessFile(status: FileStatus): string {
  return status.type === 'file' ? '' : typeOf(status);
}

/** With an entry of both sides open for reading. Throws a SystemError. */
export function withBoth<T>(
  [source, destination]: readonly [SourcePlace, SourcePlace],
  use: (one: number, other: number) => T,
): T {
  const one = openSource(source.directory, source.name, false);
  try {
    return withDestination(destination, (other) => use(one, other));
  } finally {
    close(one);
  }
}

/** With what the destination has open for reading. Throws a SystemError. */
export function withDestination<T>(destination: SourcePlace, use: (fd: number) => T): T {
  const fd = openDestination(destination);
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}

function openDestination({ directory, name }: SourcePlace): number {
  try {
    return openSource(directory, name, false);
  } catch (error) {
    throw error instanceof SystemError ? new SystemError(error.cause, 'open destination') : error;
  }
}

/** What a symlink says, as people can read it. Throws a SystemError. */
export function readTarget({ directory, name }: Side): string {
  const bytes = check(readlinkat(directory, name, targetBytes), 'read symlink');
  return quoteName(fromBytes(targetBytes.subarray(0, bytes)));
}

const specials = new Map([
  [0o01, 'FIFO'],
  [0o02, 'character device'],
  [0o06, 'block device'],
  [0o14, 'socket'],
]);

export function typeOf(status: FileStatus): string {
  return status.type === 'special' ? (specials.get(status.fullMode >> 12) ?? 'special file') : status.type;
}

export function deviceOf({ specialDevice }: FileStatus): string {
  return `device ${specialDevice}`;
}

export function modeOf({ mode }: FileStatus): string {
  return mode.toString(8).padStart(4, '0');
}

export function inodeOf({ device, inodeLow, inodeHigh, links }: FileStatus): InodeOfMany {
  return { device, low: inodeLow, high: inodeHigh, names: links };
}
