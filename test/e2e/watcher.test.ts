import { randomFillSync } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mountSlow } from '../../bench/slow-file-system.ts';
import { dividedFiles } from '../../core/model/plan.ts';
import { PreparedRun, type Work } from '../chaos/prepared-run.ts';
import { startWatch, type Watch } from '../chaos/watch.ts';
import { mountNew } from '../helpers/file-systems.ts';
import { type Random, randomNumbers } from '../helpers/random.ts';
import { readPlanOf, rsyncDifferences } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

/** How often workers are killed on each file system. `WATCH_SEED` repeats what was chosen by chance. */
const kills = Number(process.env.KILLS ?? 12);
const seed = Number(process.env.WATCH_SEED ?? Math.floor(Math.random() * 1e6));

/** A file system to copy to; `behind` is where its files can be looked at without asking it. */
type Place = { readonly path: string; readonly behind: string; readonly unmount: () => Promise<void> };

async function openPlace(kind: 'ext4' | 'tmpfs' | 'FUSE'): Promise<Place | string> {
  const mounted = kind === 'FUSE' ? await mountSlow(0) : await mountNew(kind);
  return typeof mounted === 'string' ? mounted : { behind: mounted.path, ...mounted };
}

let world: World;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

// The first two make files without a name, the third has none of these
describe.each(['ext4', 'tmpfs', 'FUSE'] as const)('on %s', (kind) => {
  let place: Place | string;
  beforeAll(async () => {
    place = await openPlace(kind);
  });
  afterAll(() => (typeof place === 'string' ? undefined : place.unmount()));

  it(`no file is ever seen under its name that is not whole, in ${kills} kills (WATCH_SEED=${seed})`, async ({
    skip,
  }) => {
    if (typeof place === 'string') return skip(place);
    const cwd = world.directory();
    makeTrees(cwd);
    for (const path of [place.path, place.behind]) chmodSync(path, 0o777);
    const [destination, seen] = [join(place.path, 'dst'), join(place.behind, 'dst')];
    renew(cwd, seen);
    const words = ['-s', 'src', '-d', destination, '--shards', '4', '--checkpoint', '0.02', '--force'];
    const run = await PreparedRun.of(world, cwd, ...words);
    // Without a divided file its renaming by finish would not be seen
    expect(dividedFiles(readPlanOf(cwd)).size).toBe(1);
    const watch = await startWatch(cwd, { source: `${cwd}/src`, before: `${cwd}/before`, destination: seen });
    const random = randomNumbers(seed);
    for (let killed = 0; killed < kills; ) {
      renew(cwd, seen);
      run.forget();
      await watch.go();
      killed += await killUntilDone(run, random);
      await expectWhole(watch, cwd, seen);
    }
    await watch.end();
  }, 300_000);
});

/** A source of which the destination holds some files in an earlier version. */
function makeTrees(cwd: string): void {
  const sizes = { small: [1, 4096, 30_000], middle: [3 * 2 ** 20], divided: [16 * 2 ** 20] };
  const numbers = { small: 40, middle: 3, divided: 1 };
  for (const name of ['small', 'middle', 'divided'] as const) {
    for (let i = 0; i < numbers[name]; i++) {
      const bytes = sizes[name][i % sizes[name].length]!;
      writeRandom(`${cwd}/src/${name}/new${i}`, bytes);
      if (name === 'divided') continue;
      writeRandom(`${cwd}/src/${name}/replaced${i}`, bytes);
      writeRandom(`${cwd}/before/${name}/replaced${i}`, i % 2 === 0 ? bytes : 2 * bytes + 1);
    }
  }
  giveToUser(cwd);
}

function writeRandom(path: string, bytes: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, randomFillSync(Buffer.alloc(bytes)));
}

/** The destination as it was at first. */
function renew(cwd: string, destination: string): void {
  rmSync(destination, { recursive: true, force: true });
  cpSync(`${cwd}/before`, destination, { recursive: true });
  giveToUser(destination);
}

/** Starts workers and kills them until the shards are done, then finish until it is; returns how many were killed. */
async function killUntilDone(run: PreparedRun, random: Random): Promise<number> {
  let killed = 0;
  let restart = 0;
  for (const left of [new Set<Work>(Array(run.shards).keys()), new Set<Work>(['finish'])]) {
    while (left.size > 0) {
      // Two at once, as on two nodes
      const works = new Set([anyOf(left, random), anyOf(left, random)]);
      const rests = [...works].map((work) => ({ work, afterMs: random(30 + 15 * restart) }));
      for (const { work, isDone } of await Promise.all(rests.map((rest) => runOrKill(run, restart, rest)))) {
        if (isDone) left.delete(work);
        else killed++;
      }
      restart++;
    }
  }
  return killed;
}

function anyOf(works: ReadonlySet<Work>, random: Random): Work {
  return [...works][random(works.size)]!;
}

type Rest = { readonly work: Work; readonly afterMs: number };

/** Kills the worker so long after it has begun to work, unless it has ended by then. */
async function runOrKill(run: PreparedRun, restart: number, { work, afterMs }: Rest) {
  const { process: worker, ended } = run.start(work, restart);
  const hasEnded = ended.then(() => true);
  while (!run.hasJournalOf(worker.pid!) && !(await Promise.race([hasEnded, after(1)])));
  if (!(await Promise.race([hasEnded, after(afterMs)]))) worker.kill('SIGKILL');
  const { code, signal, err } = await ended;
  expect({ code, signal, err }).toEqual(
    signal === null ? { code: 0, signal, err: '' } : { code: null, signal: 'SIGKILL', err: '' },
  );
  return { work, isDone: code === 0 };
}

function after(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms));
}

async function expectWhole(watch: Watch, cwd: string, destination: string): Promise<void> {
  const { torn, rounds, found } = await watch.stop();
  expect(torn).toEqual([]);
  expect(Math.min(rounds, found)).toBeGreaterThan(0);
  expect(await rsyncDifferences(`${cwd}/src`, destination, '--checksum')).toBe('');
}
