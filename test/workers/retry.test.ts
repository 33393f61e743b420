import { expect, test } from 'vitest';
import { hasty, tryAgain } from '../../workers/retry.ts';

const quickly = { retries: 3, minTimeoutMs: 1, growth: 3 };

/** Work that gives its number; the first was done before. */
function counted() {
  let tries = 1;
  return async () => ++tries;
}

test('a first result that is final is not asked for again', async () => {
  expect(await tryAgain(1, counted(), () => true, quickly)).toBe(1);
});

test('work is tried again until its result is final', async () => {
  expect(await tryAgain(1, counted(), (result) => result === 3, quickly)).toBe(3);
});

test('the last result is given when patience is at an end', async () => {
  expect(await tryAgain(1, counted(), () => false, quickly)).toBe(4);
  expect(await tryAgain(1, counted(), () => false, { ...quickly, retries: 0 })).toBe(1);
});

test('in haste only the first wait is long', async () => {
  const endless = { ...quickly, growth: 1e9 };
  expect(await tryAgain(1, counted(), () => false, hasty(endless))).toBe(4);
});

test('an exception is no result', async () => {
  const broken = () => Promise.reject(new TypeError('a bug'));
  await expect(tryAgain(1, broken, () => false, quickly)).rejects.toThrow('a bug');
});

test('the signal ends the waiting, before it begins and half way', async () => {
  const patient = { retries: 3, minTimeoutMs: 600_000, growth: 3 };
  expect(await tryAgain(1, counted(), () => false, { ...patient, signal: AbortSignal.abort() })).toBe(1);
  const stop = new AbortController();
  const waiting = tryAgain(1, counted(), () => false, { ...patient, signal: stop.signal });
  setTimeout(() => stop.abort(), 10);
  expect(await waiting).toBe(1);
});
