import {
  accessSync,
  type BigIntStats,
  constants,
  lstatSync,
  readdirSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { BcopyError, type ExitKind } from '../../core/model/errors.ts';
import { fromBytes, quoteName, toBytes } from '../../core/model/names.ts';

export type SourceTree = { readonly given: string; readonly path: string; readonly inode: string };

export type DestinationTree = {
  readonly given: string;
  readonly path: string;
  readonly exists: boolean;
  /** Nothing is in it: it does not exist yet, or is empty. */
  readonly isNew: boolean;
  /** The directory itself, or the one it will be made in. */
  readonly identity: { readonly device: bigint; readonly inode: bigint };
};

type Directory = { readonly path: Buffer; readonly status: BigIntStats };

/**
 * Looks at both trees before anything is made: that the source is a directory this user can read, that the
 * destination is one this user can write or can be made, and that neither would be copied into itself. Trees are
 * compared by device and inode, so other names for the same directory are recognised.
 */
export function checkTrees(
  source: string,
  destination: string,
): { source: SourceTree; destination: DestinationTree } {
  const from = readSource(source);
  const { directory, name } = readDestination(destination);
  refuseNesting(from, directory, name, { source, destination });
  const path = name === undefined ? directory.path : join(directory.path, name);
  const isNew = name !== undefined || readdirSync(path).length === 0;
  return {
    source: { given: source, path: fromBytes(from.path), inode: String(from.status.ino) },
    destination: {
      given: destination,
      path: fromBytes(path),
      exists: name === undefined,
      isNew,
      identity: { device: directory.status.dev, inode: directory.status.ino },
    },
  };
}

function readSource(given: string): Directory {
  const refuse = refusal('sourceUnreadable', `cannot read the source ${quoteName(given)}`);
  const path = bytesOf(given);
  const status = look(() => statSync(path, { bigint: true }), refuse);
  if (!status.isDirectory()) throw refuse(`it is ${kindOf(status)}, not a directory`);
  look(() => accessSync(path, constants.R_OK | constants.X_OK), refuse);
  return { path: realpathSync.native(path, { encoding: 'buffer' }), status };
}

/** The directory that is there: the destination itself, or the parent in which `name` will be made. */
function readDestination(given: string): { directory: Directory; name: Buffer | undefined } {
  const refuse = refusal('destinationUnwritable', `cannot write to the destination ${quoteName(given)}`);
  const path = withoutTrailingSlashes(bytesOf(given));
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() && !exists(path)) {
    throw refuse('it is a symlink that leads nowhere');
  }
  if (exists(path)) return { directory: writable(path, refuse), name: undefined };
  const { parent, name } = split(path);
  if (!exists(parent)) {
    throw refuse(
      `${quoteName(fromBytes(parent))} does not exist`,
      'make it first (mkdir -p), so that a mistyped path is not filled',
    );
  }
  return { directory: writable(parent, refuse), name };
}

function writable(path: Buffer, refuse: Refusal): Directory {
  const status = look(() => statSync(path, { bigint: true }), refuse);
  if (!status.isDirectory())
    throw refuse(`${quoteName(fromBytes(path))} is ${kindOf(status)}, not a directory`);
  look(() => accessSync(path, constants.W_OK | constants.X_OK), refuse);
  return { path: realpathSync.native(path, { encoding: 'buffer' }), status };
}

type Given = { readonly source: string; readonly destination: string };

function refuseNesting(
  source: Directory,
  destination: Directory,
  name: Buffer | undefined,
  given: Given,
): void {
  const pair = `${quoteName(given.source)} to ${quoteName(given.destination)}`;
  if (name === undefined && isSame(source.status, destination.status)) {
    throw new BcopyError('usage', `cannot copy ${pair}: they are the same directory`);
  }
  if (findAbove(destination, source) !== undefined) {
    throw new BcopyError('usage', `cannot copy ${pair}: the destination lies inside the source`);
  }
  const below = name === undefined ? findAbove(source, destination) : undefined;
  if (below !== undefined && lstatSync(join(source.path, below), { throwIfNoEntry: false }) !== undefined) {
    throw new BcopyError(
      'usage',
      `cannot copy ${pair}: the copy of ${quoteName(fromBytes(below))} would be written over the source`,
      {
        hint: 'choose a destination that does not hold the source',
      },
    );
  }
}

/** Goes up from a directory; when it meets `wanted`, gives the name in it that leads down again. */
function findAbove(from: Directory, wanted: Directory): Buffer | undefined {
  let { path, status } = from;
  let below: Buffer = Buffer.from('.');
  for (;;) {
    if (isSame(status, wanted.status)) return below;
    const { parent, name } = split(path);
    if (name.length === 0) return undefined;
    [path, below] = [parent, name];
    status = statSync(path, { bigint: true });
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

type Refusal = (why: string, hint?: string) => BcopyError;

function refusal(kind: ExitKind, what: string): Refusal {
  return (why, hint) => new BcopyError(kind, `${what}: ${why}`, hint === undefined ? {} : { hint });
}

function look<T>(at: () => T, refuse: Refusal): T {
  try {
    return at();
  } catch (error) {
    throw refuse(whyOf(error as NodeJS.ErrnoException));
  }
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

function kindOf(status: BigIntStats): string {
  if (status.isFile()) return 'a file';
  if (status.isFIFO()) return 'a FIFO';
  return status.isSocket() ? 'a socket' : 'a device';
}

function exists(path: Buffer): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function bytesOf(text: string): Buffer {
  return Buffer.from(toBytes(text));
}

function withoutTrailingSlashes(path: Buffer): Buffer {
  let end = path.length;
  while (end > 1 && path[end - 1] === 0x2f) end--;
  return path.subarray(0, end);
}

function split(path: Buffer): { parent: Buffer; name: Buffer } {
  const slash = path.lastIndexOf(0x2f);
  if (slash < 0) return { parent: Buffer.from('.'), name: path };
  return { parent: slash === 0 ? Buffer.from('/') : path.subarray(0, slash), name: path.subarray(slash + 1) };
}

function join(directory: Buffer, name: Buffer): Buffer {
  const slash = directory.length === 1 && directory[0] === 0x2f ? '' : '/';
  return Buffer.concat([directory, Buffer.from(slash), name]);
}
