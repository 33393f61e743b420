import { expect, test } from 'vitest';
import { newPaceMemory, PaceBucket } from '../../../core/model/pace-bucket.ts';

/** A clock that only sleeping moves, unless it is set. */
function fakeClock() {
  const clock = {
    ms: 1_000_000,
    slept: 0,
    nowNs: () => BigInt(Math.round(clock.ms * 1e6)),
    sleepMs: (ms: number) => {
      clock.ms += ms;
      clock.slept += ms;
    },
  };
  return clock;
}

test('what is taken in a row takes its time, whatever its pieces', () => {
  for (const piece of [1, 10, 500]) {
    const clock = fakeClock();
    const bucket = new PaceBucket(1000, newPaceMemory(), clock);
    for (let taken = 0; taken < 10_000; taken += piece) bucket.take(piece);
    const seconds = (clock.ms - 1_000_000 + (piece / 1000) * 1000) / 1000;
    expect(seconds).toBeGreaterThan(9.8);
    expect(seconds).toBeLessThan(10.05);
  }
});

test('all who share the memory share the limit', () => {
  const clock = fakeClock();
  const memory = newPaceMemory();
  const buckets = [1, 2, 3].map(() => new PaceBucket(100, memory, clock));
  for (let i = 0; i < 300; i++) buckets[i % 3]!.take(1);
  expect(clock.slept).toBeGreaterThan(2800);
  expect(clock.slept).toBeLessThan(3010);
});

test('a pause is made up for a tenth of a second only', () => {
  const clock = fakeClock();
  const bucket = new PaceBucket(1000, newPaceMemory(), clock);
  bucket.take(1);
  clock.ms += 60_000;
  for (let i = 0; i < 100; i++) bucket.take(1);
  expect(clock.slept).toBe(0);
  for (let i = 0; i < 1000; i++) bucket.take(1);
  expect(clock.slept).toBeGreaterThan(990);
});
