import { expect, test } from 'vitest';
import { retryUntil } from '../../workers/retry.ts';

const quickly = { retries: 3, minTimeoutMs: 1 };

/** Work that gives its number, counted from 1. */
function counted() {
  let tries = 0;
  return async () => ++tries;
}

test('a result that is final is not asked for again', async () => {
  expect(await retryUntil(counted(), () => true, quickly)).toBe(1);
});

test('work is tried again until its result is final', async () => {
  expect(await retryUntil(counted(), (result) => result === 3, quickly)).toBe(3);
});

test('the last result is given when patience is at an end', async () => {
  expect(await retryUntil(counted(), () => false, quickly)).toBe(4);
});

test('an exception is no result', async () => {
  const broken = () => Promise.reject(new TypeError('a bug'));
  await expect(retryUntil(broken, () => true, quickly)).rejects.toThrow('a bug');
});
