import { constants, lstatSync, opendirSync } from 'node:fs';
import { fromBytes, quoteName } from '../../core/model/names.ts';
import {
  bytesOf,
  type Found,
  find,
  join,
  kindOf,
  look,
  type Refusal,
  refusal,
  split,
  statusOf,
  withoutTrailingSlashes,
} from './named-paths.ts';

/** The directory that is there: the destination itself, or the parent in which `name` will be made. */
export type GivenDestination = {
  readonly directory: Found;
  readonly name: Buffer | undefined;
  /** What a file is to be called in the directory, which is there. */
  readonly newName?: Buffer;
};

function refusalOf(given: string): Refusal {
  return refusal('destinationUnwritable', `cannot write to the destination ${quoteName(given)}`);
}

/** The destination as a directory. */
export function readDestination(given: string): GivenDestination {
  const refuse = refusalOf(given);
  const path = withoutTrailingSlashes(bytesOf(given));
  const found = look(() => statusOf(path), refuse);
  if (found === undefined && look(() => lstatSync(path, { throwIfNoEntry: false }), refuse)?.isSymbolicLink())
    throw refuse('it is a symlink that leads nowhere');
  if (found !== undefined) return { directory: writable(path, refuse), name: undefined };
  const { parent, name } = split(path);
  return { directory: writableParent(parent, refuse), name };
}

/**
 * The destination of one file: a directory as above or, when it is no directory and was not typed as one, the file's
 * new name in the directory that it is in. Nothing is followed or written through there.
 */
export function readFileDestination(given: string): GivenDestination {
  const refuse = refusalOf(given);
  const path = bytesOf(given);
  if (path.at(-1) === 0x2f) return readDestination(given);
  const found = look(() => statusOf(path), refuse);
  if (found?.isDirectory() === true) return readDestination(given);
  if (found !== undefined && !found.isFile())
    throw refuse(`it is ${kindOf(found)}, neither a directory nor a file`);
  const { parent, name: newName } = split(path);
  return { directory: writableParent(parent, refuse), name: undefined, newName };
}

function writableParent(parent: Buffer, refuse: Refusal): Found {
  if (look(() => statusOf(parent), refuse) !== undefined) return writable(parent, refuse);
  throw refuse(
    `${quoteName(fromBytes(parent))} does not exist`,
    'make it first (mkdir -p), so that a mistyped path is not filled',
  );
}

function writable(path: Buffer, refuse: Refusal): Found {
  const status = look(() => statusOf(path), refuse);
  if (status?.isDirectory() === false)
    throw refuse(`${quoteName(fromBytes(path))} is ${kindOf(status)}, not a directory`);
  return find(path, constants.W_OK | constants.X_OK, refuse);
}

/** True when nothing is in it. */
export function isNewAt(directory: Buffer, given: string): boolean {
  return look(() => isEmpty(directory), refusalOf(given));
}

/** The same of any directory; throws where it cannot be read. */
export function isEmpty(directory: Buffer): boolean {
  const names = opendirSync(directory);
  try {
    return names.readSync() === null;
  } finally {
    names.closeSync();
  }
}

/** What is to be at the destination under a name, or nothing: symlinks there are not followed. */
export function whatIsAt(directory: Found, name: string): Found | undefined {
  const path = join(directory.path, bytesOf(name));
  const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return status === undefined ? undefined : { path, status };
}
