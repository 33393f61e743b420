import { describe, expect, test } from 'vitest';
import { allowsAll, isOwnName, parseRemovalLimit, removableAtMost } from '../../../core/model/removal.ts';

describe('the limit of a removal', () => {
  test.each([
    ['0', { entries: 0 }],
    ['5000', { entries: 5000 }],
    ['10%', { percent: 10 }],
    ['0.5%', { percent: 0.5 }],
    ['100%', { percent: 100 }],
  ])('is read from %s', (text, limit) => {
    expect(parseRemovalLimit(text)).toEqual(limit);
  });

  test.each(['', '%', '-1', '1.5', '101%', '10 %', '1e3', 'all'])('is not read from %j', (text) => {
    expect(parseRemovalLimit(text)).toBeUndefined();
  });

  test('is a part of all that is at the destination, or a number', () => {
    expect(removableAtMost({ percent: 10 }, 90, 10)).toBe(10);
    expect(removableAtMost({ percent: 10 }, 89, 11)).toBe(10);
    expect(removableAtMost({ percent: 100 }, 1, 1000)).toBe(1001);
    expect(removableAtMost({ entries: 7 }, 1_000_000, 8)).toBe(7);
  });

  test('lets everything go only when that is said', () => {
    expect(['100%', '99.9%', '1000000'].map((text) => allowsAll(parseRemovalLimit(text)!))).toEqual([
      true,
      false,
      false,
    ]);
  });
});

test.each([
  ['.bcopy-trash', true],
  ['.bcopy-trash/20260102-030405-abcd/old', true],
  ['sub/.bcopy-trash', true],
  ['sub/.bcopy-trash/20260102-030405-abcd/old', true],
  ['sub/.bcopy-trash-2/old', false],
  ['.bcopy-trash-2', false],
  ['.bcopy', true],
  ['sub/.bcopy', true],
  ['.bcopy.20260102-030405-abcd.17.1-0-99', true],
  ['sub/.bcopy.20260102-030405-abcd.17.parts', true],
  ['.bcopy.20260102-030405-abcd.x', false],
  ['.bcopyrc', false],
])('%s is a name of bcopy itself: %s', (path, isOwn) => {
  expect(isOwnName(path)).toBe(isOwn);
});
