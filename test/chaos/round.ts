import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dividedFiles } from '../../core/model/plan.ts';
import { readPlanOf, rsyncDifferences, runDirectories, type StatusFacts } from '../e2e/run-files.ts';
import { openWorld, type World } from '../e2e/world.ts';
import { type Random, randomNumbers } from '../helpers/random.ts';
import { type ByHand, Copy } from './copy.ts';
import { type FaultName, faults } from './faults.ts';
import { type Mood, MoodySbatch } from './moody-sbatch.ts';
import { Recorded } from './recorded.ts';
import { SmallDisk } from './small-disk.ts';
import type { Made } from './source-tree.ts';
import { type Stage, sleep, tasksOf, workersOf } from './stage.ts';

export type RoundRequest = {
  readonly seed: number;
  readonly source: string;
  readonly made: Made;
  readonly faults: readonly FaultName[];
  /** Between two faults, at most. */
  readonly pauseMs: number;
  /** What makes a copy last: options of bcopy. */
  readonly slowness: readonly string[];
};

/** What happened in a round, and all that was wrong in the end. */
export type Round = {
  readonly seconds: number;
  readonly faults: readonly string[];
  readonly moods: readonly string[];
  readonly attempts: number;
  readonly byHand: ByHand;
  readonly wrong: readonly string[];
  /** Files that were recorded, and so must not be copied again. */
  readonly recorded: number;
  /** Files that several shards shared. */
  readonly divided: number;
};

/** One copy on a cluster of its own, and faults while it goes on; the same seed makes the same choices. */
export async function playRound(request: RoundRequest): Promise<Round> {
  const random = randomNumbers(request.seed);
  const world = await openWorld('slurm');
  const cwd = world.directory();
  let disk: SmallDisk | undefined;
  try {
    disk = await SmallDisk.mount(random(2) === 0 ? 'ext4' : 'tmpfs', cwd, request.made.bytes * 1.5);
    const round = await new Players({ request, world, cwd, disk, random }).play();
    if (round.wrong.length > 0) keep(request.seed, cwd, world);
    return round;
  } catch (error) {
    keep(request.seed, cwd, world);
    throw error;
  } finally {
    await disk?.unmount();
    await world.close();
  }
}

/** What a failed round leaves to be looked at. */
function keep(seed: number, cwd: string, { cluster }: World): void {
  const kept = join(tmpdir(), `bcopy-chaos-${seed}`);
  for (const name of readdirSync(cwd).filter((name) => name !== 'disk' && name !== 'disk.image'))
    cpSync(join(cwd, name), join(kept, name), { recursive: true });
  cpSync(join(cluster!.directory, 'log'), join(kept, 'cluster'), { recursive: true });
  console.log(`kept in ${kept}`);
}

type Parts = {
  readonly request: RoundRequest;
  readonly world: World;
  readonly cwd: string;
  readonly disk: SmallDisk;
  readonly random: Random;
};

/** A round that is being played. */
class Players {
  readonly #parts: Parts;
  readonly #destination: string;
  readonly #sbatch: MoodySbatch;
  readonly #copy: Copy;
  readonly #start = Date.now();
  readonly #told: string[] = [];
  readonly #wrong: string[] = [];
  #recorded: Recorded | undefined;
  #isOver = false;

  constructor(parts: Parts) {
    const { request, world, cwd, disk, random } = parts;
    this.#parts = parts;
    this.#destination = join(disk.path, 'dst');
    this.#sbatch = new MoodySbatch(world.directory(), realSbatch());
    this.#sbatch.setMoods(moodsFor(random));
    const words = [
      '-s',
      request.source,
      '-d',
      this.#destination,
      '--workers',
      '6',
      '--shards',
      '6',
      '--time',
      '20',
    ];
    const more = ['--cpus-per-task', '1', '--checkpoint', '0.5', ...request.slowness];
    this.#copy = new Copy(world, cwd, this.#sbatch.path, [...words, ...more]);
  }

  async play(): Promise<Round> {
    const observer = this.#observe();
    const first = this.#begin();
    await this.#harm();
    await first;
    const byHand = await this.#copy.settle();
    this.#isOver = true;
    await observer;
    await this.#checkEnd();
    return {
      seconds: Math.round((Date.now() - this.#start) / 1000),
      faults: this.#told,
      moods: this.#sbatch.moods,
      attempts: readdirSync(join(this.#run!, 'attempts')).length,
      byHand,
      wrong: this.#wrong,
      recorded: this.#recorded?.count ?? 0,
      divided: dividedFiles(readPlanOf(this.#parts.cwd)).size,
    };
  }

  get #run(): string | undefined {
    const { cwd } = this.#parts;
    return existsSync(join(cwd, '.bcopy')) ? runDirectories(cwd).at(-1) : undefined;
  }

  /** Every other time the command stays until the end, and its exit code has to be the copy's. */
  async #begin(): Promise<void> {
    const wait = this.#parts.random(2) === 0 ? ['--wait'] : [];
    let ran = await this.#copy.command(...wait);
    // No room, no scheduler, refused: typed again, else the faults would fall on nothing
    while ([7, 20, 21].includes(ran.exitCode)) {
      const retry = this.#run === undefined ? [] : ['--retry'];
      ran = await this.#copy.command(...retry, ...wait);
    }
    const facts = await this.#copy.status();
    const wanted = wait.length > 0 && facts?.phase !== 'complete' ? 3 : 0;
    if (ran.exitCode !== wanted)
      this.#wrong.push(
        `the command ${wait} ended with ${ran.exitCode}, the copy is ${facts?.phase}: ${ran.stderr}`,
      );
  }

  async #harm(): Promise<void> {
    const { request, random } = this.#parts;
    for (const name of request.faults) {
      await sleep(500 + random(request.pauseMs));
      const what = await this.#strike(name);
      this.#told.push(what ?? `${name}: nobody was there`);
    }
  }

  /** Waits a while for somebody to harm. */
  async #strike(name: FaultName): Promise<string | undefined> {
    const { world, disk, random } = this.#parts;
    const stage: Stage = { world, disk, random, run: () => this.#run };
    for (let tries = 0; tries < 20; tries++) {
      const at = this.#seconds;
      const what = await faults[name](stage);
      if (what !== undefined) return `${at} s ${what}`;
      await sleep(500);
    }
    return undefined;
  }

  get #seconds(): string {
    return ((Date.now() - this.#start) / 1000).toFixed(1);
  }

  /** Looks at the account and at what is recorded all the while. */
  async #observe(): Promise<void> {
    while (!this.#isOver) {
      await sleep(700);
      const run = this.#run;
      if (run === undefined || !existsSync(join(run, 'plan.json'))) continue;
      this.#recorded ??= new Recorded(run, this.#destination);
      this.#recorded.look();
      this.#checkAccount(await this.#copy.status());
    }
  }

  #checkAccount(facts: StatusFacts | undefined): void {
    if (facts === undefined) return;
    const { planned, copied, skipped, linked, failed, vanished, left } = facts.account;
    const { made } = this.#parts.request;
    for (const unit of ['entries', 'bytes'] as const) {
      const parts = [copied, skipped, linked, failed, vanished, left].map((tally) => tally[unit]);
      const sum = parts.reduce((total, part) => total + part, 0);
      if (sum !== planned[unit] || planned[unit] !== made[unit] || parts.some((part) => part < 0))
        this.#wrong.push(
          `at ${this.#seconds} s the account does not close: ${JSON.stringify(facts.account)}`,
        );
    }
  }

  async #checkEnd(): Promise<void> {
    const { world, request } = this.#parts;
    const wrong = this.#wrong;
    this.#recorded?.look();
    const facts = (await this.#copy.status())!;
    this.#checkAccount(facts);
    const { left, failed, vanished } = facts.account;
    if ([left, failed, vanished].some(({ entries, bytes }) => entries + bytes > 0))
      wrong.push(`not all is done: ${JSON.stringify(facts.account)}`);
    const differences = await rsyncDifferences(request.source, this.#destination, '--checksum');
    if (differences !== '') wrong.push(`the trees differ: ${differences.slice(0, 500)}`);
    const names = readdirSync(this.#destination, { recursive: true, encoding: 'utf8' });
    wrong.push(...names.filter((name) => name.includes('.bcopy.')).map((name) => `left over: ${name}`));
    wrong.push(...workersOf(this.#run!).map(({ work }) => `still running: ${work}`));
    wrong.push(...(await tasksOf(world)).map(({ id }) => `still in the queue: ${id}`));
    wrong.push(...this.#recorded!.changed.map((change) => `copied again: ${change}`));
    wrong.push(...this.#recorded!.twice.map((twice) => `recorded twice: ${twice}`));
  }
}

function moodsFor(random: Random): Mood[] {
  const moods: Mood[] = ['slow', 'down', 'full', 'unsure', 'refusing'];
  return Array.from({ length: 30 }, () => (random(3) > 0 ? 'willing' : moods[random(moods.length)]!));
}

function realSbatch(): string {
  return execFileSync('which', ['sbatch'], { encoding: 'utf8' }).trim();
}
