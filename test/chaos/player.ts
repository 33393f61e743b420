import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { dividedFiles } from '../../core/model/plan.ts';
import { readPlanOf, runDirectories, type StatusFacts } from '../e2e/run-files.ts';
import type { World } from '../e2e/world.ts';
import type { Random } from '../helpers/random.ts';
import { type ByHand, Copy } from './copy.ts';
import { closes, findWrong } from './end-check.ts';
import { type FaultName, faults } from './faults.ts';
import { type Mood, MoodySbatch } from './moody-sbatch.ts';
import { Recorded } from './recorded.ts';
import type { Round, RoundRequest } from './round.ts';
import type { SmallDisk } from './small-disk.ts';
import { type Stage, sleep } from './stage.ts';

export type Parts = {
  readonly request: RoundRequest;
  readonly world: World;
  readonly cwd: string;
  readonly disk: SmallDisk;
  readonly random: Random;
};

/** A round that is being played. */
export class Player {
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
    const trees = ['-s', request.source, '-d', this.#destination];
    const tasks = ['--workers', '6', '--shards', '6', '--time', '20', '--cpus-per-task', '1'];
    const words = [...trees, ...tasks, '--checkpoint', '0.5', ...request.slowness];
    this.#copy = new Copy(world, cwd, this.#sbatch.path, words);
  }

  async play(): Promise<Round> {
    const observer = this.#observe();
    const byHand = await this.#untilWhole().finally(() => {
      this.#isOver = true;
    });
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

  async #untilWhole(): Promise<ByHand> {
    await Promise.all([this.#begin(), this.#harm()]);
    return this.#copy.settle();
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
    for (let again = 0; again < 20 && [7, 20, 21].includes(ran.exitCode); again++) {
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
    if (facts === undefined || closes(facts.account, this.#parts.request.made)) return;
    this.#wrong.push(`at ${this.#seconds} s the account does not close: ${JSON.stringify(facts.account)}`);
  }

  async #checkEnd(): Promise<void> {
    const { world, request } = this.#parts;
    const facts = (await this.#copy.status())!;
    this.#checkAccount(facts);
    const { source } = request;
    const ended = { world, source, destination: this.#destination, run: this.#run!, account: facts.account };
    this.#wrong.push(...(await findWrong(ended)));
    this.#recorded?.look();
    this.#wrong.push(...(this.#recorded?.changed ?? []).map((change) => `copied again: ${change}`));
    this.#wrong.push(...(this.#recorded?.twice ?? []).map((twice) => `recorded twice: ${twice}`));
  }
}

function moodsFor(random: Random): Mood[] {
  const moods: Mood[] = ['slow', 'down', 'full', 'unsure', 'refusing'];
  return Array.from({ length: 30 }, () => (random(3) > 0 ? 'willing' : moods[random(moods.length)]!));
}

function realSbatch(): string {
  return execFileSync('which', ['sbatch'], { encoding: 'utf8' }).trim();
}
