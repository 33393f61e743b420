import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestBytes } from '../../../core/model/digest-set.ts';
import { PlainCollector, readPlain } from '../../../core/run/plain-file.ts';
import { makeRun, type RunFixture } from '../../helpers/run-fixture.ts';

const atMost = 16 * 2 ** 20;

let run: RunFixture;
beforeEach(() => {
  run = makeRun();
});
afterEach(() => run.remove());

test('what was collected is read back, in the same order', async () => {
  const collector = new PlainCollector();
  collector.add(Uint8Array.from({ length: digestBytes }, () => 1));
  collector.add(Uint8Array.from({ length: 2 * digestBytes }, (_, i) => i));
  await collector.write(run.paths);
  expect(statSync(run.paths.plain).mode & 0o777).toBe(0o600);
  expect(Buffer.from((await readPlain(run.paths))!).equals(readFileSync(run.paths.plain))).toBe(true);
  expect(statSync(run.paths.plain).size).toBe(3 * digestBytes);
});

test('nothing makes no file, and no file is nothing', async () => {
  await new PlainCollector().write(run.paths);
  expect(() => statSync(run.paths.plain)).toThrow('ENOENT');
  expect(await readPlain(run.paths)).toBeUndefined();
});

test('no more than a million digests are kept', async () => {
  const collector = new PlainCollector();
  for (let bytes = 0; bytes <= atMost; bytes += 2 ** 22) collector.add(new Uint8Array(2 ** 22));
  await collector.write(run.paths);
  expect(statSync(run.paths.plain).size).toBe(atMost);
});

test('of a file of any size only the beginning is read', async () => {
  writeFileSync(run.paths.plain, 'x'.repeat(digestBytes));
  truncateSync(run.paths.plain, 2 ** 40);
  const digests = (await readPlain(run.paths))!;
  expect(digests).toHaveLength(atMost);
  expect(Buffer.from(digests.subarray(0, digestBytes)).toString()).toBe('x'.repeat(digestBytes));
});

test('what cannot be read, or written, is no obstacle', async () => {
  mkdirSync(run.paths.plain);
  expect(await readPlain(run.paths)).toBeUndefined();
  const collector = new PlainCollector();
  collector.add(new Uint8Array(digestBytes));
  await expect(collector.write(run.paths)).resolves.toBeUndefined();
});

test('a file that stands there already is left as it is', async () => {
  const elsewhere = `${run.top}/elsewhere`;
  writeFileSync(elsewhere, 'mine');
  symlinkSync(elsewhere, run.paths.plain);
  const collector = new PlainCollector();
  collector.add(new Uint8Array(digestBytes));
  await collector.write(run.paths);
  expect(readFileSync(elsewhere, 'utf8')).toBe('mine');
});
