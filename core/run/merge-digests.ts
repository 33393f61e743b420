import { rmSync } from 'node:fs';
import type { Algorithm } from '../model/algorithm.ts';
import { compareNames } from '../model/byte-order.ts';
import { type PathDigest, readDigests, writeDigests } from './digest-file.ts';

/** So many files are read at once; more are merged into fewer first. */
const filesAtOnce = 200;

type Source = { readonly age: number; readonly lines: Iterator<PathDigest>; line: PathDigest };

/**
 * What files of digests hold, sorted by path, with a fixed amount of memory; each file is sorted by itself. A path that several
 * have is given once, as the last of them has it. `scratch` begins the names of files that are made where there are many; none of
 * them is left when all is given.
 */
export function* mergeDigests(
  files: readonly string[],
  algorithm: Algorithm,
  scratch: string,
): Generator<PathDigest> {
  if (files.length <= filesAtOnce) return yield* mergeSome(files, algorithm);
  const merged: string[] = [];
  try {
    for (let at = 0; at < files.length; at += filesAtOnce) {
      const file = `${scratch}-${merged.length}`;
      merged.push(file);
      writeDigests(file, algorithm, mergeSome(files.slice(at, at + filesAtOnce), algorithm));
    }
    yield* mergeDigests(merged, algorithm, `${scratch}-`);
  } finally {
    for (const file of merged) rmSync(file, { force: true });
  }
}

function* mergeSome(files: readonly string[], algorithm: Algorithm): Generator<PathDigest> {
  const heap: Source[] = [];
  try {
    for (const [age, file] of files.entries()) {
      const lines = readDigests(file, algorithm);
      const { value: line, done } = lines.next();
      if (!done) heap.push({ age, lines, line });
    }
    for (let at = heap.length - 1; at >= 0; at--) sink(heap, at);
    let last: PathDigest | undefined;
    for (let first = heap[0]; first !== undefined; first = heap[0]) {
      // Of one path the newest comes first
      if (first.line.path !== last?.path) yield first.line;
      last = first.line;
      const { value: line, done } = first.lines.next();
      if (!done) first.line = line;
      else {
        const end = heap.pop()!;
        if (end !== first) heap[0] = end;
      }
      sink(heap, 0);
    }
  } finally {
    for (const { lines } of heap) lines.return?.();
  }
}

/** Moves a source down in a binary heap until what is below it comes after it. */
function sink(heap: Source[], from: number): void {
  for (let at = from; ; ) {
    const [left, right] = [2 * at + 1, 2 * at + 2];
    let first = at;
    if (left < heap.length && isBefore(heap[left]!, heap[first]!)) first = left;
    if (right < heap.length && isBefore(heap[right]!, heap[first]!)) first = right;
    if (first === at) return;
    [heap[at], heap[first]] = [heap[first]!, heap[at]!];
    at = first;
  }
}

function isBefore(one: Source, other: Source): boolean {
  const order = compareNames(one.line.path, other.line.path);
  return order === 0 ? one.age > other.age : order < 0;
}
