import { describe, expect, test } from 'vitest';
import { accountOf, isComplete, type Outcomes } from '../../../core/model/account.ts';
import { emptyTally } from '../../../core/model/outcome.ts';

const tally = (entries: number, bytes: number) => ({ entries, bytes });

function outcomes(some: Partial<Outcomes>): Outcomes {
  const [copied, skipped, linked, failed, vanished] = Array.from({ length: 5 }, emptyTally);
  return {
    copied: copied!,
    skipped: skipped!,
    linked: linked!,
    failed: failed!,
    vanished: vanished!,
    ...some,
  };
}

describe('the account', () => {
  test('what has no outcome is left', () => {
    const account = accountOf(
      tally(10, 1000),
      outcomes({
        copied: tally(3, 500),
        skipped: tally(1, 100),
        linked: tally(2, 0),
        vanished: tally(1, 50),
      }),
    );
    expect(account.left).toEqual(tally(3, 350));
    expect(isComplete(account)).toBe(false);
  });

  test('is complete when nothing is left and nothing failed', () => {
    expect(isComplete(accountOf(tally(2, 7), outcomes({ copied: tally(1, 7), vanished: tally(1, 0) })))).toBe(
      true,
    );
    expect(isComplete(accountOf(emptyTally(), outcomes({})))).toBe(true);
  });

  test.each([
    ['something failed', tally(2, 7), { copied: tally(1, 7), failed: tally(1, 0) }],
    ['entries close and bytes do not', tally(2, 7), { copied: tally(2, 6) }],
    ['bytes close and entries do not', tally(2, 7), { copied: tally(1, 7) }],
    ['more was done than was planned', tally(2, 7), { copied: tally(3, 7) }],
  ])('is not complete when %s', (_, planned, some) => {
    expect(isComplete(accountOf(planned, outcomes(some)))).toBe(false);
  });
});
