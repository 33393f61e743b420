import { expect, test } from 'vitest';
import { ThreadController } from '../../workers/thread-controller.ts';

type FileSystem = {
  /** Work done each ms by so many threads. */
  readonly rate: (threads: number) => number;
  /** CPU time of each thread each ms. */
  readonly busy: number;
  readonly hasMore?: boolean;
};

/** How many threads there are at each of these times, in ms. */
function play(controller: ThreadController, { rate, busy, hasMore = true }: FileSystem, ...times: number[]) {
  const sample = { atMs: 0, busyMs: 0, done: 0, hasMore };
  const seen: number[] = [];
  for (; sample.atMs <= times.at(-1)!; sample.atMs += 60) {
    const threads = controller.next({ ...sample });
    if (times.some((time) => time >= sample.atMs && time < sample.atMs + 60)) seen.push(threads);
    sample.busyMs += 60 * busy * threads;
    sample.done += 60 * rate(threads);
  }
  return seen;
}

const bounds = { first: 2, most: 16 };
const network: FileSystem = { rate: (threads) => threads, busy: 0.05 };
const memory: FileSystem = { rate: (threads) => Math.min(2, threads), busy: 0.95 };
const disk: FileSystem = { rate: () => 1, busy: 0.3 / 2 };

test('threads that only wait become as many as there may be within half a second', () => {
  expect(play(new ThreadController(bounds), network, 0, 300, 480)).toEqual([2, 16, 16]);
});

test('threads that work stay as they are', () => {
  expect(play(new ThreadController(bounds), memory, 1000, 10_000, 60_000)).toEqual([2, 2, 2]);
});

test('more threads are kept where they help, and tried for a short time only', () => {
  const controller = new ThreadController(bounds);
  const seen = play(controller, network, ...Array.from({ length: 600 }, (_, i) => i * 100));
  expect(seen.at(-1)).toBe(16);
  expect(seen.filter((threads) => threads === 8).length).toBeLessThan(60);
});

test('threads that do no more together become fewer again, and stay so', () => {
  const times = Array.from({ length: 2000 }, (_, i) => i * 100);
  const seen = play(new ThreadController(bounds), disk, ...times);
  expect(seen[20]).toBe(16);
  expect(seen.slice(250).filter((threads) => threads > 2).length).toBeLessThan(175);
});

test('threads without work are no reason for others', () => {
  expect(play(new ThreadController(bounds), { ...network, hasMore: false }, 10_000)).toEqual([2]);
});

test('a file system that becomes slow later gets more threads then', () => {
  let isSlow = false;
  const controller = new ThreadController(bounds);
  play(controller, memory, 5000);
  isSlow = true;
  const slower = { rate: (threads: number) => threads, busy: isSlow ? 0.05 : 1 };
  // The clock of the second play begins anew; the first window is thrown away
  expect(play(controller, slower, 10_000).at(-1)).toBeGreaterThan(2);
});
