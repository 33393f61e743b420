import { expect, test } from 'vitest';
import { momentOf, sizeOf } from '../../cli/selection-rules.ts';

test.each([
  ['0', 0],
  ['1', 1],
  ['1B', 1],
  ['500K', 512_000],
  ['500k', 512_000],
  ['500KB', 500_000],
  ['500KiB', 512_000],
  ['1.5G', 1.5 * 2 ** 30],
  ['2T', 2 ** 41],
  ['0.3', 1],
])('%s is a size', (text, bytes) => {
  expect(sizeOf(text)).toBe(bytes);
});

test.each(['', 'K', '-1', '1X', '1 K', '1e3', '9999999999T'])('%j is no size', (text) => {
  expect(sizeOf(text)).toBeNaN();
});

const now = Date.UTC(2026, 10, 21, 12);

test.each([
  ['45s', 45_000],
  ['30m', 1_800_000],
  ['12h', 43_200_000],
  ['7d', 604_800_000],
  ['2w', 1_209_600_000],
])('%s is an age', (text, ms) => {
  expect(momentOf(text, now)).toBe(now - ms);
});

test.each([
  ['2026-11-20', new Date(2026, 10, 20)],
  ['2024-02-29', new Date(2024, 1, 29)],
  ['2026-11-20T13:14', new Date(2026, 10, 20, 13, 14)],
  ['2026-11-20T13:14:15', new Date(2026, 10, 20, 13, 14, 15)],
])('%s is a moment of this machine', (text, date) => {
  expect(momentOf(text, now)).toBe(date.getTime());
});

test.each([
  '',
  '7',
  'd',
  '1.5h',
  '7D',
  '2026-13-01',
  '2026-02-29',
  '2026-11-20T24:00',
  '2026-11-20T12:60',
  '20261120',
])('%j is no moment', (text) => {
  expect(momentOf(text, now)).toBeNaN();
});
