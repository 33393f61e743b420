import { accessSync, constants, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { joinPath } from '../../core/model/entry.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { fromBytes, quoteName, toBytes } from '../../core/model/names.ts';
import { pathBelow } from './path-below.ts';

/** Where a manifest goes: its directory is there, and can be written to from here. */
export type ManifestPlace = {
  /** Absolute. */
  readonly file: string;
  readonly directory: string;
  readonly name: string;
};

/** Settles where `given` is; what cannot be written is a `destinationUnwritable` error, before anything is done. */
export function placeOf(given: string): ManifestPlace {
  const slash = given.lastIndexOf('/');
  const [above, name] = [slash < 0 ? '.' : given.slice(0, slash) || '/', given.slice(slash + 1)];
  const refuse = (why: string) =>
    new BcopyError('destinationUnwritable', `cannot write ${quoteName(given)}: ${why}`);
  if (name === '' || name === '.' || name === '..') throw refuse('it must end with a name of its own');
  try {
    const directory = fromBytes(realpathSync.native(bytesOf(above), { encoding: 'buffer' }));
    accessSync(bytesOf(directory), constants.W_OK | constants.X_OK);
    const file = directory === '/' ? `/${name}` : `${directory}/${name}`;
    const found = lstatSync(bytesOf(file), { throwIfNoEntry: false });
    if (found?.isDirectory()) throw refuse('it is a directory');
    if (found !== undefined && !found.isFile() && !found.isSymbolicLink()) throw refuse('it is no file');
    return { file, directory, name };
  } catch (error) {
    if (error instanceof BcopyError) throw error;
    throw refuse((error as NodeJS.ErrnoException).code ?? (error as Error).message);
  }
}

/** The path of a file below a tree that is there; undefined when it is not in it. */
export function placeBelow({ directory, name }: ManifestPlace, tree: string): string | undefined {
  const above = pathBelow(directory, tree);
  return above === undefined ? undefined : joinPath(above, name);
}

/** Where an open file is, so that a manifest which is printed into the tree is not in itself; undefined for what is no file. */
export function placeOfOpen(fd: number): ManifestPlace | undefined {
  try {
    const path = fromBytes(readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }));
    return path.startsWith('/') && lstatSync(bytesOf(path)).isFile() ? placeOf(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Permission bits of a new file. */
export function newFileMode(): number {
  return 0o666 & ~process.umask();
}

function bytesOf(path: string): Buffer {
  return Buffer.from(toBytes(path));
}
