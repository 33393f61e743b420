import { expect, test } from 'vitest';
import { newRunId } from '../../../cli/steps/create-run.ts';

const now = new Date('2026-11-21T17:31:32.898Z');

test('a run is newer than all that were made before it, in the same second too', () => {
  const ids = ['20261121-173131-ffff'];
  for (let i = 0; i < 20; i++) ids.push(newRunId(now, ids));
  expect(ids.toSorted()).toEqual(ids);
  expect(ids.at(-1)).toMatch(/^20261121-173132-[0-9a-f]{4}$/);
});

test('runs that know nothing of each other are told apart', () => {
  const ids = Array.from({ length: 50 }, () => newRunId(now, []));
  expect(new Set(ids).size).toBeGreaterThan(30);
});

test('there is an id after the last one', () => {
  expect(newRunId(now, ['20261121-173132-ffff'])).toMatch(/^20261121-173132-[0-9a-f]{4}$/);
});
