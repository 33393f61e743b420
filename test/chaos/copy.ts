import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { announcedJob, type StatusFacts } from '../e2e/run-files.ts';
import type { Ran, World } from '../e2e/world.ts';
import { sleep } from './stage.ts';

/** How often somebody had to give `--retry`, and what the command before it had left undone. */
export type ByHand = { readonly times: number; readonly why: readonly string[] };

export const mostByHand = 12;

/** A copy as its user sees it: a command, its job, and what `status` says. */
export class Copy {
  readonly #world: World;
  readonly #cwd: string;
  readonly #words: readonly string[];
  readonly #path: string;
  /** Of the newest job. */
  job: string | undefined;

  /** `programs` goes before all else on the PATH of the command, and so of its jobs. */
  constructor(world: World, cwd: string, programs: string, words: readonly string[]) {
    this.#world = world;
    this.#cwd = cwd;
    this.#words = words;
    this.#path = `${programs}:${world.env.PATH}`;
  }

  async command(...more: string[]): Promise<Ran> {
    const program = `${inject('installed')}/dist/js/cli/main.js`;
    const words = [program, ...this.#words, ...more];
    const ran = await this.#world.run(this.#cwd, 'env', `PATH=${this.#path}`, ...words);
    if (ran.stdout.includes('Job <')) this.job = announcedJob(ran.stdout);
    return ran;
  }

  /** What status says; undefined when it cannot say anything yet. */
  async status(): Promise<StatusFacts | undefined> {
    const words = this.job === undefined ? [] : [this.job];
    const { stdout } = await this.#world.bcopy(this.#cwd, 'status', ...words, '--json');
    return stdout === '' ? undefined : (JSON.parse(stdout.trim().split('\n').at(-1)!) as StatusFacts);
  }

  /** Waits until nothing runs any more. One look can fall between two jobs. */
  async ended(): Promise<StatusFacts> {
    for (const end = Date.now() + 240_000; Date.now() < end; await sleep(500)) {
      if (!hasEnded(await this.status())) continue;
      await sleep(1500);
      const facts = await this.status();
      if (hasEnded(facts)) return facts!;
    }
    throw new Error(`still ${JSON.stringify(await this.status())}`);
  }

  /** Retries by hand until the copy is complete. */
  async settle(): Promise<ByHand> {
    const why: string[] = [];
    for (let times = 0; ; times++) {
      const { phase, account } = await this.ended();
      if (phase === 'complete') return { times, why };
      if (times === mostByHand) throw new Error(`not complete after ${times} retries: ${why.join('\n')}`);
      why.push(
        `${phase}, ${account.left.entries} left, ${account.failed.entries} failed: ${this.#complaint()}`,
      );
      const ran = await this.command('--retry');
      if (![0, 11, 21].includes(ran.exitCode)) throw new Error(`--retry: ${ran.exitCode} ${ran.stderr}`);
    }
  }

  /** The end of JOBID.err. */
  #complaint(): string {
    const file = join(this.#cwd, `${this.job}.err`);
    return existsSync(file)
      ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-3).join(' | ')
      : 'no job';
  }
}

function hasEnded(facts: StatusFacts | undefined): boolean {
  return facts !== undefined && ['complete', 'incomplete', 'not submitted'].includes(facts.phase);
}
