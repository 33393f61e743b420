import { expect, test } from 'vitest';
import { sayTooLittle } from '../../../core/model/space.ts';

test.each([
  ['enough of both', { bytes: 10, inodes: 10 }, { bytes: 10, inodes: 10 }, undefined],
  [
    'too few bytes',
    { bytes: 2048, inodes: 1 },
    { bytes: 1024, inodes: 9 },
    /^2\.0 KiB .* 1\.0 KiB are free$/,
  ],
  ['too few inodes', { bytes: 0, inodes: 1234 }, { bytes: 1, inodes: 9 }, /^1,234 inodes .* 9 are free$/],
  ['too little of both', { bytes: 2, inodes: 2 }, { bytes: 1, inodes: 1 }, /; 2 inodes/],
  ['inodes without a limit', { bytes: 1, inodes: 10 }, { bytes: 1, inodes: undefined }, undefined],
  ['blocks that are shared', { bytes: 1e15, inodes: 1 }, { bytes: Infinity, inodes: 5 }, undefined],
])('%s', (_, needed, free, expected) => {
  const said = sayTooLittle(needed, free);
  if (expected === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(expected);
});
