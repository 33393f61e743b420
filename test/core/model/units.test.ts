import { expect, test } from 'vitest';
import { formatBytes, formatCount, formatDuration } from '../../../core/model/units.ts';

test.each([
  [0, '0'],
  [999, '999'],
  [1204, '1,204'],
  [123_456_789_012, '123,456,789,012'],
  [12.9, '12'],
  [-123_456, '-123,456'],
])('%d is counted as %s', (count, text) => {
  expect(formatCount(count)).toBe(text);
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [2 ** 20 - 1, '1.0 MiB'],
  [8 * 2 ** 30, '8.0 GiB'],
  [2 ** 40 * 1023.9, '1023.9 TiB'],
  [2 ** 60, '1.0 EiB'],
  [2 ** 60 * 4096, '4096.0 EiB'],
  [0.4, '0 B'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, '0.0 s'],
  [4200, '4.2 s'],
  [59_999, '00:01:00'],
  [60_000, '00:01:00'],
  [3_725_000, '01:02:05'],
  [86_400_000, '1-00:00:00'],
  [10 * 86_400_000 + 3_661_000, '10-01:01:01'],
])('%d ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
