import { describe, expect, test } from 'vitest';
import { bytesPerSecond } from '../../../core/model/cost.ts';
import { choosePartBytes, chooseShardCount, imbalanceOf } from '../../../core/model/plan.ts';
import { cutTape, layTape } from '../../helpers/memory-tape.ts';

const MiB = 2 ** 20;
const minutes = (count: number) => count * 60 * bytesPerSecond;

describe('the number of shards', () => {
  test.each([
    ['nothing at all', 0, 8, 1000, 1],
    ['two seconds of work', 2 * bytesPerSecond, 8, 1000, 1],
    ['a little more', 2 * bytesPerSecond + 1, 8, 1000, 2],
    ['a small tree: each worker gets one', minutes(1), 8, 1000, 8],
    ['about a minute of work each', minutes(20), 8, 1000, 20],
    ['at most eight for each worker', minutes(1e6), 8, 1000, 64],
    ['never above the limit', minutes(1e6), 100, 250, 250],
    ['one worker, one minute', minutes(1), 1, 1000, 1],
    ['one worker, less than half an hour', minutes(29), 1, 1000, 1],
    ['one worker, two hours', minutes(120), 1, 1000, 4],
    ['a limit of one', minutes(1e6), 100, 1, 1],
  ])('%s', (_, cost, workers, limit, count) => {
    expect(chooseShardCount(cost, workers, limit)).toBe(count);
  });

  test('is one for each worker where the scan took long, however little there is', () => {
    expect(chooseShardCount(bytesPerSecond, 8, 1000, 0.05)).toBe(1);
    expect(chooseShardCount(bytesPerSecond, 8, 1000, 10)).toBe(8);
    expect(chooseShardCount(bytesPerSecond, 8, 4, 10)).toBe(4);
  });

  test('grows with the work and stays between one and the limit', () => {
    let last = 1;
    for (let cost = 1; cost < 2 ** 60; cost *= 1.7) {
      const count = chooseShardCount(cost, 16, 100);
      expect(count).toBeGreaterThanOrEqual(last);
      expect(count).toBeLessThanOrEqual(100);
      last = count;
    }
    expect(last).toBe(100);
  });
});

describe('the size of parts', () => {
  test.each([
    [0, MiB],
    [200 * MiB, MiB],
    [399 * MiB, MiB],
    [400 * MiB, 2 * MiB],
    [50 * 1024 * MiB, 256 * MiB],
    [2 ** 50, 256 * MiB],
  ])('is, for a shard of cost %d, %d', (cost, bytes) => {
    expect(choosePartBytes(cost)).toBe(bytes);
  });
});

describe('shards', () => {
  test('are fewer than wanted when there is less to cut', () => {
    const tape = layTape([
      { kind: 'directory', path: '' },
      { kind: 'file', name: 'a', bytes: 0 },
    ]);
    expect(cutTape(tape, 10).shards.map(({ entries }) => entries)).toEqual([1, 1]);
  });

  test('of equal cost are in perfect balance', () => {
    const files = Array.from({ length: 8 }, (_, i) => ({ kind: 'file' as const, name: `${i}`, bytes: 1 }));
    expect(imbalanceOf(cutTape(layTape(files), 4))).toBe(1);
  });
});
