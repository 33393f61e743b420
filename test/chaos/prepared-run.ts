import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { readPlanOf, runDirectories } from '../e2e/run-files.ts';
import type { World } from '../e2e/world.ts';

/** Scripts that do nothing: the run is planned and submitted, and its tasks are left to the test. */
const templates = {
  task: '#!/bin/sh\n# {{runId}} {{attempt}} {{array}} {{node}} {{worker}}\nexit 0\n',
  finish: '#!/bin/sh\n# {{runId}} {{attempt}} {{node}} {{worker}}\nexit 0\n',
};

/** What a worker works on: a shard of the first array, or all of them as finish. */
export type Work = number | 'finish';
export type StartedWorker = { readonly process: ChildProcess; readonly ended: Promise<WorkerEnd> };
export type WorkerEnd = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly err: string;
};

/** A run whose workers a test starts by itself, as SLURM would. */
export class PreparedRun {
  readonly directory: string;
  readonly shards: number;
  readonly #world: World;
  readonly #user: { readonly uid: number; readonly gid: number };

  private constructor(world: World, cwd: string) {
    this.directory = runDirectories(cwd).at(-1)!;
    this.shards = readPlanOf(cwd).shards.length;
    this.#world = world;
    this.#user = statSync(cwd);
  }

  static async of(world: World, cwd: string, ...words: string[]): Promise<PreparedRun> {
    const ours = join(cwd, 'templates');
    mkdirSync(ours);
    for (const [kind, text] of Object.entries(templates)) writeFileSync(`${ours}/${kind}.sbatch.hbs`, text);
    const ran = await world.bcopy(cwd, ...words, '--templates', ours, '--wait');
    if (ran.exitCode !== 3)
      throw new Error(`nothing was to be copied yet: exit ${ran.exitCode} ${ran.stderr}`);
    return new PreparedRun(world, cwd);
  }

  /** True when the process has begun its work. */
  hasJournalOf(pid: number): boolean {
    return readdirSync(join(this.directory, 'journals')).some((name) => name.endsWith(`-${pid}.jsonl`));
  }

  /** Forgets all that was done. */
  forget(): void {
    for (const name of readdirSync(join(this.directory, 'journals')))
      rmSync(join(this.directory, 'journals', name));
  }

  /** `under` are the words of a program that is to start it. */
  start(work: Work, restart: number, ...under: string[]): StartedWorker {
    const worker = `${inject('installed')}/dist/js/workers/main.js`;
    const words = [
      ...under,
      process.execPath,
      worker,
      ...(work === 'finish' ? ['finish', '1'] : ['task', '1', '0']),
    ];
    const child = spawn(words[0]!, words.slice(1), {
      cwd: this.directory,
      env: { ...this.#world.env, ...environmentOf(work, restart) },
      stdio: ['ignore', 'ignore', 'pipe'],
      uid: this.#user.uid,
      gid: this.#user.gid,
    });
    return { process: child, ended: endOf(child) };
  }
}

function environmentOf(work: Work, restart: number): Record<string, string> {
  const job = { SLURM_JOB_ID: '1', SLURM_CPUS_PER_TASK: '2', SLURM_RESTART_COUNT: String(restart) };
  if (work === 'finish') return job;
  return { ...job, SLURM_ARRAY_JOB_ID: '1', SLURM_ARRAY_TASK_ID: String(work) };
}

async function endOf(child: ChildProcess): Promise<WorkerEnd> {
  let err = '';
  child.stderr!.on('data', (text: Buffer) => {
    err += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, err };
}
