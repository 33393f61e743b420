import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { contentSteps } from '../../../../core/storage/posix/content-steps.ts';
import { ContentCopy } from '../../../../core/storage/posix/copy-content.ts';
import {
  setLimits,
  shareLimits,
  takeBytes,
  takeEntry,
  waitedMs,
} from '../../../../core/storage/posix/limits.ts';

afterEach(() => setLimits(undefined));
const MiB = 1024 * 1024;

function timeOf(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

test('without a limit there is nothing to wait for', () => {
  expect(shareLimits({})).toBeUndefined();
  expect(takeBytes(2 ** 40)).toBe(2 ** 40);
  expect(timeOf(() => Array.from({ length: 1000 }, takeEntry))).toBeLessThan(100);
});

test('a large file is copied in steps that keep to the limit', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bcopy-limits-'));
  writeFileSync(`${directory}/a`, Buffer.alloc(4 * MiB, 1));
  const [source, destination] = [openSync(`${directory}/a`, 'r'), openSync(`${directory}/b`, 'w')];
  const limits = shareLimits({ bytesPerSecond: 8 * MiB });
  setLimits(limits);
  const range = { from: 0, to: 4 * MiB, bytes: 4 * MiB, maySkipHoles: false };
  // No two file systems: nothing is shared
  const content = new ContentCopy({ steps: { ...contentSteps, clone: () => -95, cloneRange: () => -95 } });
  const copy = () => content.copy({ source, destination, devices: [1, 2], ...range });
  expect(timeOf(copy)).toBeGreaterThan(200);
  expect(takeBytes(64 * MiB)).toBe(MiB);
  expect(waitedMs(limits)).toBeGreaterThan(200);
  for (const file of [source, destination]) closeSync(file);
  rmSync(directory, { recursive: true });
});

test('entries are counted one by one', () => {
  setLimits(shareLimits({ entriesPerSecond: 100 }));
  expect(timeOf(() => Array.from({ length: 40 }, takeEntry))).toBeGreaterThan(250);
});
