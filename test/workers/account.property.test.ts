import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Entry } from '../../core/model/entry.ts';
import type { RunInfo } from '../../core/run/run-info.ts';
import { RunPaths } from '../../core/run/run-paths.ts';
import type { PosixStorageRequest } from '../../core/storage/posix/posix-storage.ts';
import { Recorder } from '../../workers/recorder.ts';
import { type Random, randomNumbers } from '../helpers/random.ts';
import { faultsOf, RandomRun } from '../helpers/random-run.ts';
import { FifoStock, RandomSource } from '../helpers/random-source.ts';
import { planRun, writeTape } from '../helpers/run-fixture.ts';
import { makeTwoTrees, placed, requestFor, scanned, type TwoTrees } from '../helpers/storage-trees.ts';

/** Each worker opens its storage with the faults that are meant for it. */
vi.mock('../../workers/open-storage.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../workers/open-storage.ts')>();
  const openStorage = (request: PosixStorageRequest) => {
    const withFaults = faultsOf.get(request.writer.pid)!;
    return withFaults(original.openStorage(request));
  };
  return { ...original, openStorage };
});

/** A checkpoint in the background ends before more is copied: the same seed gives the same case. */
let underWay: Promise<unknown> = Promise.resolve();
const keepUp = Recorder.prototype.keepUp;
vi.spyOn(Recorder.prototype, 'keepUp').mockImplementation(function (this: Recorder) {
  keepUp.call(this);
  underWay = Promise.all([underWay, this.idle]);
});
vi.mock('../../workers/engine.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../workers/engine.ts')>();
  const startEngine: typeof original.startEngine = (...args) => {
    const engine = original.startEngine(...args);
    const [copyGroup, copyPart] = [engine.copyGroup.bind(engine), engine.copyPart.bind(engine)];
    engine.copyGroup = (group) => underWay.then(() => copyGroup(group));
    engine.copyPart = (part) => underWay.then(() => copyPart(part));
    return engine;
  };
  return { ...original, startEngine };
});
// Ahead of the files' times, or each would be waited for until its clock has moved on
let now = Date.now() + 86_400_000;
vi.spyOn(Date, 'now').mockImplementation(() => ++now);

/** Nobody waits for a passing fault. */
vi.mock('p-retry', async (importOriginal) => {
  const { default: retry } = await importOriginal<typeof import('p-retry')>();
  const atOnce: typeof retry = (work, options) => retry(work, { ...options, minTimeout: 0, maxTimeout: 0 });
  return { default: atOnce };
});

const firstSeed = Number(process.env.PROPERTY_SEED ?? 1);
const cases = Number(process.env.PROPERTY_CASES ?? 1000);
const casesPerTest = 100;

let top: string;
let fifos: FifoStock;
beforeAll(() => {
  top = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bcopy-property-'));
  fifos = new FifoStock(`${top}/fifos`);
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

async function runCase(seed: number): Promise<void> {
  const random = randomNumbers(seed);
  const trees = makeTwoTrees(top);
  try {
    const source = new RandomSource(trees.source, random, fifos);
    const entries = withUnreadable(
      scanned(trees.source).map(({ entry }) => entry),
      random,
    );
    const paths = new RunPaths(`${trees.top}/.bcopy/r1`);
    for (const directory of [paths.journals, paths.attempts]) mkdirSync(directory, { recursive: true });
    writeTape(paths, entries);
    const plan = planRun(paths, entries, 1 + random(5), 65_536);
    const isNew = random(2) === 0;
    if (!isNew) fillDestination(trees.destination, source, random);
    const { sourceInode } = requestFor(trees);
    const roots = seed % 3 === 0 ? rootsIn(trees, entries) : undefined;
    source.keep(roots?.flatMap(({ name, isFile }) => (isFile ? [] : [name])) ?? []);
    const run = new RandomRun({
      random,
      source,
      trees,
      paths,
      plan,
      entries: placed(entries),
      sourceInode,
      roots,
      isNew,
    });
    const attempts = random(4);
    for (let i = 0; i < attempts; i++) await run.attempt(true);
    await run.complete();
  } finally {
    rmSync(trees.top, { recursive: true, force: true });
  }
}

/** As if each thing that is directly in the source were one: the tape is the same. */
function rootsIn({ source }: TwoTrees, entries: readonly Entry[]): RunInfo['roots'] {
  const own = (path: string) => String(statSync(path, { bigint: true }).ino);
  const next = entries.findIndex((entry) => entry.kind === 'directory' && entry.path !== '');
  const top = entries.flatMap((entry, i) => {
    if (entry.kind === 'directory') return /^[^/]+$/.test(entry.path) ? [{ name: entry.path }] : [];
    return next < 0 || i < next ? [{ name: entry.name, isFile: true }] : [];
  });
  const roots = top.map(({ name, ...kind }) => {
    const path = `${source}/${name}`;
    return { name, path, given: path, inode: own('isFile' in kind ? source : path), ...kind };
  });
  return roots.length === 0 ? undefined : roots;
}

/** Some of what the scan found it could not look at. */
function withUnreadable(entries: readonly Entry[], random: Random): Entry[] {
  if (random(8) > 0) return [...entries];
  return entries.map((entry) =>
    entry.kind === 'symlink' && random(2) === 0
      ? { kind: 'unreadable', name: entry.name, errno: 'EACCES' }
      : entry,
  );
}

/** Older files are in the way. */
function fillDestination(destination: string, source: RandomSource, random: Random): void {
  for (const path of source.files)
    if (!path.includes('/') && random(3) === 0) writeFileSync(`${destination}/${path}`, 'older');
}

const batches = Array.from(
  { length: Math.ceil(cases / casesPerTest) },
  (_, i) => firstSeed + i * casesPerTest,
);

test.each(batches)('the books close whatever befalls a run: seeds from %i on', async (first) => {
  const last = Math.min(first + casesPerTest, firstSeed + cases);
  for (let seed = first; seed < last; seed++) {
    await runCase(seed).catch((error: Error) => {
      error.message = `PROPERTY_SEED=${seed} PROPERTY_CASES=1: ${error.message}`;
      throw error;
    });
  }
  expect(last).toBeGreaterThan(first);
});
