import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { type Algorithm, algorithms } from '../model/algorithm.ts';
import { compareNames } from '../model/byte-order.ts';
import { damaged, format, openToRead, parseJson, refuseNewer } from './files.ts';
import { LineWriter, readLines } from './lines.ts';

/** A file of a tree, by its path below it, and what its content hashes to. */
export type PathDigest = { readonly path: string; readonly digest: string };

/** Writes a sorted file of digests: on disk and whole under its name, or not there at all. They come sorted by path. */
export function writeDigests(file: string, algorithm: Algorithm, digests: Iterable<PathDigest>): void {
  const temporary = `${file}.${process.pid}.tmp`;
  const descriptor = openSync(temporary, 'w', 0o600);
  try {
    const lines = new LineWriter(descriptor);
    let count = 0;
    lines.add(`${JSON.stringify({ type: 'digests', format, algorithm })}\n`);
    for (const { path, digest } of digests) {
      lines.add(`${JSON.stringify([path, digest])}\n`);
      count++;
    }
    lines.add(`${JSON.stringify({ type: 'end', files: count })}\n`);
    lines.flush();
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
}

/** What a file of digests holds, in its order; one that is not whole, or by another algorithm, is a `runDamaged` error. */
export function* readDigests(file: string, algorithm: Algorithm): Generator<PathDigest> {
  const descriptor = openToRead(file);
  try {
    let [number, count, isWhole] = [0, 0, false];
    for (const { text } of readLines(descriptor)) {
      const value = parseJson(file, ++number, text);
      if (isWhole) throw damaged(file, number, 'it goes on after its end');
      if (number === 1) refuseOther(file, value, algorithm);
      else if (Array.isArray(value)) {
        count++;
        yield parseDigest(file, number, value, algorithm);
      } else isWhole = isEnd(value, count);
    }
    if (!isWhole) throw damaged(file, undefined, 'it has no end, or another number of files');
  } finally {
    closeSync(descriptor);
  }
}

/** For a sort. */
export function byPath(one: PathDigest, other: PathDigest): number {
  return compareNames(one.path, other.path);
}

function refuseOther(file: string, value: unknown, algorithm: Algorithm): void {
  refuseNewer(file, value);
  const header = value as { type?: unknown; algorithm?: unknown } | null;
  if (header?.type !== 'digests' || header.algorithm !== algorithm)
    throw damaged(file, 1, `not the beginning of digests by ${algorithm}`);
}

function parseDigest(
  file: string,
  number: number,
  [path, digest, ...more]: unknown[],
  algorithm: Algorithm,
): PathDigest {
  const isDigest = typeof digest === 'string' && digest.length === algorithms[algorithm].digits;
  if (typeof path === 'string' && isDigest && more.length === 0) return { path, digest };
  throw damaged(file, number, 'neither a path with its digest nor the end');
}

function isEnd(value: unknown, count: number): boolean {
  const end = value as { type?: unknown; files?: unknown } | null;
  return end?.type === 'end' && end.files === count;
}
