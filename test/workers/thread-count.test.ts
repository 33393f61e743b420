import { describe, expect, test } from 'vitest';
import { groupSize } from '../../workers/group-size.ts';
import { countThreads, memoryOf } from '../../workers/thread-count.ts';

const needs = { fixed: undefined, cpus: 2, memoryMB: undefined, entries: 100_000, pieces: 0 };

describe('the number of threads', () => {
  test.each([
    ['the CPUs first, more when it pays', {}, { first: 2, most: 16 }],
    ['as many as the user wants', { fixed: 5 }, { first: 5, most: 5 }],
    ['more than is usual where the user or the CPUs say so', { fixed: 40 }, { first: 40, most: 40 }],
    ['all CPUs of a large task', { cpus: 32 }, { first: 32, most: 32 }],
    ['what fits into the memory', { memoryMB: 300 }, { first: 2, most: 7 }],
    [
      'what fits into the memory, whatever the user wants',
      { memoryMB: 300, fixed: 9 },
      { first: 7, most: 7 },
    ],
    ['one in no memory at all', { memoryMB: 10 }, { first: 1, most: 1 }],
    ['one for a handful of entries', { entries: 8 }, { first: 1, most: 1 }],
    ['no more at first than a short task needs', { entries: 60 }, { first: 1, most: 8 }],
    ['one for each piece of a large file', { entries: 0, pieces: 3 }, { first: 2, most: 3 }],
  ])('is %s', (_, more, count) => {
    expect(countThreads({ ...needs, ...more })).toEqual(count);
  });

  test('knows the memory as SLURM says it', () => {
    expect(memoryOf({ SLURM_MEM_PER_NODE: '500' }, 2)).toBe(500);
    expect(memoryOf({ SLURM_MEM_PER_CPU: '300' }, 2)).toBe(600);
    expect(memoryOf({}, 2)).toBeUndefined();
    expect(memoryOf({ SLURM_MEM_PER_NODE: '0' }, 2)).toBeUndefined();
  });
});

describe('the size of a group', () => {
  test.each([
    ['full where entries are quick', { entriesLeft: 100_000, threads: 2, msPerEntry: 0.05 }, 256],
    ['a few entries where they are slow', { entriesLeft: 100_000, threads: 2, msPerEntry: 25 }, 10],
    ['never less than four', { entriesLeft: 100_000, threads: 2, msPerEntry: 5000 }, 4],
    ['small while nothing is known', { entriesLeft: 100_000, threads: 2, msPerEntry: undefined }, 8],
    ['a fair share of what is left', { entriesLeft: 250, threads: 4, msPerEntry: 0.05 }, 16],
  ])('is %s', (_, sizing, size) => {
    expect(groupSize(sizing)).toBe(size);
  });
});
