import type { Difference } from '../../model/difference.ts';
import { fromBytes, quoteName } from '../../model/names.ts';
import type { InodeOfMany } from './compare-jobs.ts';
import type { DirectoryStack } from './directory-stack.ts';
import type { FileStatus } from './file-status.ts';
import { close, ENOENT, type NativeName, readlinkat } from './libc.ts';
import { openSource } from './open-source.ts';
import { check, SystemError } from './system-error.ts';

/** One of both trees: the open directory of an entry, and what the entry is like. */
export type Side = { readonly directory: number; readonly status: FileStatus };
/** The same where the directory itself may not be there: undefined. */
export type PossibleSide = { readonly directory: number | undefined; readonly status: FileStatus };
export type Found = Pick<Difference, 'kind' | 'detail'>;

const targetBytes = Buffer.allocUnsafeSlow(4096);

/** Reads both; what vanished in between, or is there on one side only. Throws a SystemError. */
export function whyGone(
  source: PossibleSide,
  destination: PossibleSide,
  name: NativeName,
): Found | 'both' | undefined {
  const read = ({ directory, status }: PossibleSide, action: string) => {
    if (directory === undefined) return ENOENT;
    const result = status.read(directory, name);
    return result === ENOENT ? result : check(result, action);
  };
  const [from, to] = [read(source, 'look at source'), read(destination, 'look at destination')];
  if (from < 0 && to < 0) return 'both';
  if (to < 0) return { kind: 'missing', detail: unlessFile(source.status) };
  return from < 0 ? { kind: 'extra', detail: unlessFile(destination.status) } : undefined;
}

const goneCauses = ['ENOENT', 'ENOTDIR', 'ELOOP'];

/** A directory of one side; undefined where there is none of that path, or something else. Throws any other SystemError. */
export function enterExisting(directories: DirectoryStack, path: string): number | undefined {
  try {
    return directories.enter(path);
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
  [source, destination]: readonly [number, number],
  name: NativeName,
  use: (one: number, other: number) => T,
): T {
  const one = openSource(source, name, false);
  try {
    const other = openDestination(destination, name);
    try {
      return use(one, other);
    } finally {
      close(other);
    }
  } finally {
    close(one);
  }
}

function openDestination(directory: number, name: NativeName): number {
  try {
    return openSource(directory, name, false);
  } catch (error) {
    throw error instanceof SystemError ? new SystemError(error.cause, 'open destination') : error;
  }
}

/** What a symlink says, as people can read it. Throws a SystemError. */
export function readTarget({ directory }: Side, name: NativeName): string {
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
