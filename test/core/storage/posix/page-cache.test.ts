import { randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { contentSteps } from '../../../../core/storage/posix/content-steps.ts';
import { ContentCopy } from '../../../../core/storage/posix/copy-content.ts';
import {
  isMostlyResident,
  POSIX_FADV_DONTNEED,
  posixFadvise,
} from '../../../../core/storage/posix/libc-content.ts';
import { largeContent } from '../../../../core/storage/posix/page-cache.ts';
import { type Mounted, mountNew } from '../../../helpers/file-systems.ts';

const MiB = 1024 * 1024;
const bytes = largeContent + 16 * MiB;
const devices = [1, 2] as const;

let mounted: Mounted | string;
beforeAll(async () => {
  mounted = await mountNew('xfs');
});
afterAll(async () => {
  if (typeof mounted !== 'string') await mounted.unmount();
});
let [source, destination] = [-1, -1];
beforeEach(({ skip }) => {
  if (typeof mounted === 'string') return skip(mounted);
  source = openSync(`${mounted.path}/a`, 'w+');
  destination = openSync(`${mounted.path}/b`, 'w+');
  const block = randomBytes(MiB);
  for (let at = 0; at < bytes; at += MiB) writeSync(source, block, 0, MiB, at);
  fdatasyncSync(source);
});
afterEach(() => {
  for (const fd of [source, destination]) if (fd >= 0) closeSync(fd);
});

const refuse = () => -18;

/** By another way than a reflink, which brings nothing into memory. */
function copy(from: number, to: number): void {
  const refusals = { clone: refuse, cloneRange: refuse, copy_file_range: refuse };
  const content = new ContentCopy({ steps: { ...contentSteps, ...refusals } });
  content.copy({ source, destination, devices, from, to, bytes, maySkipHoles: false });
}

/** Which of its windows of 16 MiB are in memory. */
const residentIn = (fd: number) =>
  Array.from({ length: bytes / (16 * MiB) }, (_, i) => isMostlyResident(fd, i * 16 * MiB, 16 * MiB));

function readWindow(from: number, length: number): void {
  const buffer = Buffer.alloc(MiB);
  for (let at = from; at < from + length; at += MiB) readSync(source, buffer, 0, MiB, at);
}

test('a large source that was not in memory is not there afterwards', () => {
  posixFadvise(source, 0, bytes, POSIX_FADV_DONTNEED);
  expect(residentIn(source)).not.toContain(true);
  copy(0, bytes);
  expect(residentIn(source)).not.toContain(true);
  const [a, b] = ['a', 'b'].map((name) => readFileSync(`${(mounted as Mounted).path}/${name}`));
  expect(b!.equals(a!)).toBe(true);
});

test('one that was stays', () => {
  readWindow(0, bytes);
  copy(0, bytes);
  expect(residentIn(source)).not.toContain(false);
});

test('one of which a part was keeps that part', () => {
  posixFadvise(source, 0, bytes, POSIX_FADV_DONTNEED);
  readWindow(0, largeContent);
  copy(0, bytes);
  expect(residentIn(source)).toEqual([true, true, true, true, false]);
});

test('a smaller one is left to the kernel', () => {
  posixFadvise(source, 0, bytes, POSIX_FADV_DONTNEED);
  copy(0, 16 * MiB);
  expect(residentIn(source)[0]).toBe(true);
});
