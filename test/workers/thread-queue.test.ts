import { expect, test } from 'vitest';
import type { EntryGroup } from '../../core/storage/storage.ts';
import { chooseNext, costOfRequest } from '../../workers/thread-queue.ts';

const MiB = 1024 * 1024;

function groupIn(...directories: string[]): { request: { id: number; group: EntryGroup } } {
  const batches = directories.map((directory) => ({
    directory,
    ordinal: 0,
    kinds: 'f',
    names: ['a'],
    bytes: [MiB],
    errnos: new Map(),
  }));
  return { request: { id: 0, group: { from: 0, to: directories.length, batches } } };
}
const part = { request: { id: 1, part: { ordinal: 0, path: 'x', bytes: 9, from: 0, to: 7 } } };

test('a thread goes on in its directory, else in one where nobody is, else takes the first', () => {
  const queue = [groupIn('a'), groupIn('b', 'c'), groupIn('d')];
  expect(chooseNext(queue, 'd', new Set(['a', 'd']))).toBe(2);
  expect(chooseNext(queue, 'x', new Set(['a', 'c']))).toBe(2);
  expect(chooseNext(queue, undefined, new Set(['a']))).toBe(1);
  expect(chooseNext(queue, undefined, new Set(['a', 'b', 'd']))).toBe(0);
  expect(chooseNext([groupIn('a'), part], undefined, new Set(['a']))).toBe(1);
});

test('work counts as the plan counts it', () => {
  expect(costOfRequest(groupIn('a', 'b').request)).toBe(3 * MiB);
  expect(costOfRequest(part.request)).toBe(7);
});
