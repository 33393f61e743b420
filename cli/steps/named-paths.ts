import { accessSync, type BigIntStats, realpathSync, statSync } from 'node:fs';
import { BcopyError, type ExitKind } from '../../core/model/errors.ts';
import { toBytes } from '../../core/model/names.ts';

/** Something that is there: its path without symlinks, and what it is. */
export type Found = { readonly path: Buffer; readonly status: BigIntStats };

export type Refusal = (why: string, hint?: string) => BcopyError;

export function refusal(kind: ExitKind, what: string): Refusal {
  return (why, hint) => new BcopyError(kind, `${what}: ${why}`, hint === undefined ? {} : { hint });
}

/** What a call returns; where it fails, what the user is told. */
export function look<T>(at: () => T, refuse: Refusal): T {
  try {
    return at();
  } catch (error) {
    throw refuse(whyOf(error as NodeJS.ErrnoException));
  }
}

/** What a path leads to, if it may be used so. */
export function find(path: Buffer, access: number, refuse: Refusal): Found {
  const status = look(() => statSync(path, { bigint: true }), refuse);
  look(() => accessSync(path, access), refuse);
  return { path: look(() => realpathSync.native(path, { encoding: 'buffer' }), refuse), status };
}

function whyOf({ code, message }: NodeJS.ErrnoException): string {
  const known = new Map([
    ['ENOENT', 'it does not exist'],
    ['ENOTDIR', 'part of its path is not a directory'],
    ['EACCES', 'permission denied'],
    ['EROFS', 'the file system is read-only'],
    ['ELOOP', 'its symlinks lead in a circle'],
    ['ENAMETOOLONG', 'its name is too long'],
  ]);
  return known.get(code ?? '') ?? message;
}

export function kindOf(status: BigIntStats): string {
  if (status.isFile()) return 'a file';
  if (status.isFIFO()) return 'a FIFO';
  return status.isSocket() ? 'a socket' : 'a device';
}

export function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** What a path leads to; undefined where there is nothing. */
export function statusOf(path: Buffer): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

export function bytesOf(text: string): Buffer {
  return Buffer.from(toBytes(text));
}

export function withoutTrailingSlashes(path: Buffer): Buffer {
  let end = path.length;
  while (end > 1 && path[end - 1] === 0x2f) end--;
  return path.subarray(0, end);
}

export function split(path: Buffer): { parent: Buffer; name: Buffer } {
  const slash = path.lastIndexOf(0x2f);
  if (slash < 0) return { parent: Buffer.from('.'), name: path };
  return { parent: slash === 0 ? Buffer.from('/') : path.subarray(0, slash), name: path.subarray(slash + 1) };
}

export function join(directory: Buffer, name: Buffer): Buffer {
  const slash = directory.length === 1 && directory[0] === 0x2f ? '' : '/';
  return Buffer.concat([directory, Buffer.from(slash), name]);
}
