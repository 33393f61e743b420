import { chmodSync, closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { hasTime } from '../../bench/measure.ts';
import { rsyncDifferences } from '../e2e/run-files.ts';
import { giveToUser, openWorld, type World } from '../e2e/world.ts';
import { type Mounted, mountNew } from '../helpers/file-systems.ts';
import { PreparedRun, type Work } from './prepared-run.ts';

/** `make memory` asks for a million. */
const entries = Number(process.env.MEMORY_ENTRIES ?? 20_000);
const limit = 200_000_000;
const GiB = 2 ** 30;

const missing = hasTime() ? undefined : 'GNU time is not installed';
let world: World;
let mounted: Mounted | string = 'not mounted';
beforeAll(async () => {
  world = await openWorld('local');
  mounted = await mountNew('tmpfs');
  if (typeof mounted !== 'string') await execa('mount', ['-o', 'remount,nr_inodes=0,size=90%', mounted.path]);
});
afterAll(async () => {
  await world.close();
  if (typeof mounted !== 'string') await mounted.unmount();
});

describe(`neither the scan nor a worker uses more than ${limit / 1e6} MB`, () => {
  it(`on ${entries} entries in many directories`, async ({ skip }) => {
    const place = placeFor('many') ?? skip(`${missing ?? mounted}`);
    await makeFiles(place, `d".($_ % 1000)."/f$_`);
    await expectFrugal(place);
  }, 1_500_000);

  it(`on a directory with ${entries} names`, async ({ skip }) => {
    const place = placeFor('one') ?? skip(`${missing ?? mounted}`);
    await makeFiles(place, 'name-of-some-length-$_');
    await expectFrugal(place);
  }, 1_500_000);

  it('on a sparse file of 100 GB', async ({ skip }) => {
    const place = placeFor('sparse') ?? skip(`${missing ?? mounted}`);
    makeSparse(join(place, 'src/file'));
    await expectFrugal(place);
  }, 1_500_000);
});

/** A directory in memory that holds the two trees; undefined when nothing can be measured here. */
function placeFor(name: string): string | undefined {
  if (typeof mounted === 'string' || missing !== undefined) return undefined;
  const place = join(mounted.path, name);
  mkdirSync(join(place, 'src'), { recursive: true });
  chmodSync(place, 0o777);
  return place;
}

/** Empty files; `name` is a text of perl with the number in it. */
async function makeFiles(place: string, name: string): Promise<void> {
  const script = `mkdir "d$_" for 0..999; for (1..$ARGV[0]) { open F, ">", "${name}" or die $!; close F }`;
  await execa('perl', ['-e', script, String(entries)], { cwd: join(place, 'src') });
}

/** Data here and there, as in the image of a disk. */
function makeSparse(path: string): void {
  const descriptor = openSync(path, 'w');
  for (let at = 0; at < 100 * GiB; at += 7 * GiB)
    writeSync(descriptor, Buffer.alloc(2 ** 20, 1), 0, 2 ** 20, at);
  ftruncateSync(descriptor, 100 * GiB);
  closeSync(descriptor);
}

/** Scans and copies by one worker, and looks at what each process has used at most. */
async function expectFrugal(place: string): Promise<void> {
  giveToUser(place);
  const cwd = world.directory();
  const peak = join(cwd, 'peak');
  const peaks: Record<string, number> = {};
  const words = ['-s', join(place, 'src'), '-d', join(place, 'dst'), '--shards', '1', '--force'];
  peaks.scan = await peakOfScan(cwd, peak, words);
  const run = await PreparedRun.of(world, cwd, ...words);
  for (const work of [0, 'finish'] satisfies Work[]) {
    const { ended } = run.start(work, 0, '/usr/bin/time', '-o', peak, '-f', '%M');
    expect(await ended).toEqual({ code: 0, signal: null, err: '' });
    peaks[work === 0 ? 'worker' : 'finish'] = readPeak(peak);
  }
  console.log(
    Object.entries(peaks)
      .map(([who, bytes]) => `${who} ${Math.round(bytes / 1e6)} MB`)
      .join(', '),
  );
  // Finish has threads as it pays, and does not belong to a shard
  expect(Math.max(peaks.scan, peaks.worker!)).toBeLessThan(limit);
  expect(await rsyncDifferences(join(place, 'src'), join(place, 'dst'))).toBe('');
}

async function peakOfScan(cwd: string, peak: string, words: readonly string[]): Promise<number> {
  const program = `${inject('installed')}/dist/js/cli/main.js`;
  const ran = await world.run(
    cwd,
    '/usr/bin/time',
    '-o',
    peak,
    '-f',
    '%M',
    program,
    ...words,
    '--dry-run=plan',
  );
  expect(ran).toMatchObject({ exitCode: 0 });
  return readPeak(peak);
}

/** GNU time tells KiB, after a line of its own when the program failed. */
function readPeak(file: string): number {
  return Number(readFileSync(file, 'utf8').trim().split('\n').at(-1)) * 1024;
}
