import { expect, test } from 'vitest';
import { ShardState } from '../../../core/run/shard-state.ts';
import { done, journalName } from '../../helpers/run-fixture.ts';

test('what is taken back leaves no less than nothing copied, and nothing skipped', () => {
  const state = new ShardState();
  const tallies = { copied: { entries: 2, bytes: 100 }, skipped: { entries: 1, bytes: 1000 } };
  state.add(journalName(0), done(0, 3, tallies));
  for (const [ordinal, bytes] of [60, 50, 990].entries()) {
    state.takeBack(ordinal, bytes);
    for (const { entries, bytes: size } of [state.copied, state.skipped])
      expect(Math.min(entries, size)).toBeGreaterThanOrEqual(0);
  }
  expect(state).toMatchObject({ copied: { entries: 0, bytes: 0 }, skipped: { entries: 0, bytes: 0 } });
});
