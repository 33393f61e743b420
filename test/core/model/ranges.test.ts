import { describe, expect, test } from 'vitest';
import { type Range, RangeSet } from '../../../core/model/ranges.ts';
import { randomNumbers } from '../../helpers/random.ts';

const universe = 60;

/** The pieces of `[from, to)` for which the test holds, ascending. */
function pieces(from: number, to: number, holds: (value: number) => boolean): Range[] {
  const found: { from: number; to: number }[] = [];
  for (let value = from; value < to; value++) {
    if (!holds(value)) continue;
    const last = found.at(-1);
    if (last?.to === value) last.to++;
    else found.push({ from: value, to: value + 1 });
  }
  return found;
}

describe('a set of ranges', () => {
  test('says the same as a set of numbers after random additions', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = randomNumbers(seed);
      const [ranges, model] = [new RangeSet(), new Set<number>()];
      for (let step = 0; step < 25; step++) {
        const from = random(universe);
        const to = from + random(8);
        expect(ranges.add(from, to)).toEqual(pieces(from, to, (value) => !model.has(value)));
        for (let value = from; value < to; value++) model.add(value);
        const asked = random(universe);
        const until = asked + random(30);
        expect(ranges.missingIn(asked, until)).toEqual(pieces(asked, until, (value) => !model.has(value)));
        expect(ranges.covers(asked, until)).toBe(
          pieces(asked, until, (value) => !model.has(value)).length === 0,
        );
        expect(ranges.has(asked)).toBe(model.has(asked));
      }
    }
  });

  test('an empty range adds nothing', () => {
    const ranges = new RangeSet();
    expect(ranges.add(5, 5)).toEqual([]);
    expect(ranges.add(5, 4)).toEqual([]);
    expect(ranges.has(5)).toBe(false);
    expect(ranges.missingIn(0, 10)).toEqual([{ from: 0, to: 10 }]);
  });

  test('ranges that touch are one', () => {
    const ranges = new RangeSet();
    ranges.add(0, 5);
    ranges.add(10, 15);
    expect(ranges.add(5, 10)).toEqual([{ from: 5, to: 10 }]);
    expect(ranges.covers(0, 15)).toBe(true);
  });
});
