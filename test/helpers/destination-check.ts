import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { PlacedEntry } from '../../core/run/tape-reader.ts';
import type { Version } from './random-source.ts';
import type { TwoTrees } from './storage-trees.ts';

/** Files are smaller: a buffer for each would be most of what this costs. */
const shared = Buffer.allocUnsafeSlow(1 << 23);

/** What is wrong with the copy of one entry; undefined when it is what the source is, or has been. */
export function wrongAt(
  { destination }: TwoTrees,
  placed: PlacedEntry,
  versions: readonly Version[],
): string | undefined {
  const status = look(`${destination}/${placed.path}`);
  if (status === undefined) return 'missing';
  const { kind } = placed.entry;
  if (kind === 'directory') return status.isDirectory() ? undefined : 'no directory';
  if (kind === 'symlink') {
    const target = `nowhere/${placed.path.replace(/^.*\D/, '')}`;
    return status.isSymbolicLink() && readlinkSync(`${destination}/${placed.path}`) === target
      ? undefined
      : 'another symlink';
  }
  if (kind === 'special') return status.isFIFO() ? undefined : 'no FIFO';
  if (!status.isFile()) return 'no file';
  const content = readInto(shared, `${destination}/${placed.path}`);
  const version = versions.find((one) => one.mtimeMs === status.mtimeMs);
  if (version === undefined) return 'the time of no version';
  return version.content.equals(content) ? undefined : 'a mixture of versions';
}

/** What is wrong with the attributes of a directory, or with a name that should be one more of another. */
export function wrongAtEnd(
  { source, destination }: TwoTrees,
  { path, entry }: PlacedEntry,
  first: PlacedEntry | undefined,
): string | undefined {
  const [original, copy] = [look(`${source}/${path}`), look(`${destination}/${path}`)];
  if (entry.kind === 'directory' && original !== undefined && copy !== undefined) {
    if (copy.mode !== original.mode) return `mode ${copy.mode.toString(8)}`;
    if (copy.mtimeMs !== original.mtimeMs) return 'another time';
  }
  if (first === undefined) return undefined;
  return copy?.ino === look(`${destination}/${first.path}`)?.ino ? undefined : 'a file of its own';
}

/** All paths below a directory. */
export function pathsBelow(top: string): string[] {
  return readdirSync(top, { withFileTypes: true, recursive: true }).map((found) =>
    join(found.parentPath, found.name).slice(top.length + 1),
  );
}

function readInto(buffer: Buffer, path: string): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    return buffer.subarray(0, readSync(descriptor, buffer));
  } finally {
    closeSync(descriptor);
  }
}

function look(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
