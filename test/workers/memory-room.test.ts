import { expect, test } from 'vitest';
import { threadsInMemory } from '../../workers/memory-room.ts';

const MiB = 2 ** 20;

test.each([
  ['as many as fit', 90, 2, 0, 5],
  ['no more while those that were started have not taken theirs', 90, 5, 3, 5],
  ['no more when there is hardly room', 160, 6, 0, 6],
  ['one fewer when it is too much', 195, 6, 0, 5],
  ['one at least', 500, 1, 0, 1],
  ['one at first', 60, 0, 0, 5],
])('a worker has %s', (_, rss, threads, young, wanted) => {
  expect(threadsInMemory(rss * MiB, threads, young)).toBe(wanted);
});
