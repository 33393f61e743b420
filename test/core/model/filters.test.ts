import { describe, expect, test } from 'vitest';
import { EntryFilter, type FilterRule, filterOf, hidesEntries } from '../../../core/model/filters.ts';

const exclude = (pattern: string): FilterRule => ({ kind: 'exclude', pattern });
const include = (pattern: string): FilterRule => ({ kind: 'include', pattern });

test('the first rule that fits decides', () => {
  const filter = new EntryFilter({ rules: [include('a.o'), exclude('*.o'), include('b.o')] });
  expect(filter.excludes('', 'a.o', false)).toBe(false);
  expect(filter.excludes('', 'b.o', false)).toBe(true);
  expect(filter.excludes('', 'c', false)).toBe(false);
});

describe('a path with all that it is in', () => {
  const filter = new EntryFilter({ rules: [include('/a/keep'), exclude('/a'), exclude('f/')] });

  test.each([
    ['a', true, true],
    ['a/keep', true, true],
    ['b/a', true, false],
    ['b/f', false, false],
    ['b/f', true, true],
    ['b/f/g', false, true],
    ['', true, false],
  ])('%s', (path, isDirectory, isExcluded) => {
    expect(filter.excludesWithin(path, isDirectory)).toBe(isExcluded);
  });
});

test('a limit holds for what is on it', () => {
  const filter = new EntryFilter({ newerMs: 10, olderMs: 20, minBytes: 5, maxBytes: 6 });
  const isOut = (mtimeMs: number, bytes: number, isFile = true) =>
    filter.excludesBy({ mtimeMs, bytes, isFile });
  expect([9.999, 10, 19.999, 20].map((mtime) => isOut(mtime, 5))).toEqual([true, false, false, true]);
  expect([4, 5, 6, 7].map((bytes) => isOut(10, bytes))).toEqual([true, false, false, true]);
  expect(isOut(10, 0, false)).toBe(false);
});

test('only what leaves something out is a filter', () => {
  expect(filterOf(undefined)).toBe(undefined);
  expect(filterOf({ rules: [], directoriesOnly: false })).toBe(undefined);
  expect(filterOf({ minBytes: 0 })).toBeInstanceOf(EntryFilter);
});

test('some filters hide what the source has, beyond their rules', () => {
  expect(hidesEntries({ rules: [exclude('a')], directoriesOnly: true, oneFileSystem: false })).toBe(false);
  for (const filters of [
    { newerMs: 1 },
    { olderMs: 1 },
    { minBytes: 0 },
    { maxBytes: 0 },
    { oneFileSystem: true },
  ])
    expect(hidesEntries(filters)).toBe(true);
  expect(hidesEntries({ listed: { entries: 0 } })).toBe(true);
});
