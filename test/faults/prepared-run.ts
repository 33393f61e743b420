import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { Plan } from '../../core/model/plan.ts';
import type { SyncWord } from '../../core/model/sync.ts';
import { writeAttempt } from '../../core/run/attempt-file.ts';
import { writePlan } from '../../core/run/plan-file.ts';
import { writeRunInfo } from '../../core/run/run-info.ts';
import { RunPaths } from '../../core/run/run-paths.ts';
import { writeSubmitted } from '../../core/run/submitted-file.ts';
import { planRun, writeTape } from '../helpers/run-fixture.ts';
import { scanned } from '../helpers/storage-trees.ts';

export type RunRequest = {
  /** The trees as the workers see them. */
  readonly source: string;
  readonly destination: string;
  readonly shards: number;
  readonly sync: SyncWord;
  /** Left out: 30. */
  readonly checkpointSeconds?: number;
  /** Of each operation; left out: as many as usual. */
  readonly tries?: number | undefined;
  /** False when something may be in the way from the beginning. */
  readonly isNew?: boolean;
};

/** How a worker ended; `code` is null when it was killed. */
export type WorkerEnd = { readonly code: number | null; readonly errors: string };

export type Circumstances = {
  /** Another program with its words, below which the worker runs. */
  readonly under?: readonly string[];
  /** Kills the worker when it comes. */
  readonly killed?: AbortSignal;
};

/** A run as the command leaves it when its jobs have been accepted: what workers find. */
export type PreparedRun = {
  readonly paths: RunPaths;
  readonly plan: Plan;
  /** Runs the built worker as a job of an attempt would. */
  readonly task: (attempt: number, shard: number, how?: Circumstances) => Promise<WorkerEnd>;
  readonly finish: (attempt: number, how?: Circumstances) => Promise<WorkerEnd>;
  readonly remove: () => void;
};

export async function prepareRun(request: RunRequest): Promise<PreparedRun> {
  const top = mkdtempSync(join(tmpdir(), 'bcopy-prepared-'));
  const paths = new RunPaths(`${top}/.bcopy/r1`);
  for (const directory of [paths.journals, paths.attempt(1), paths.attempt(2)])
    mkdirSync(directory, { recursive: true });
  writeFileSync(paths.id, 'r1\n');
  const entries = scanned(request.source).map(({ entry }) => entry);
  writeTape(paths, entries);
  const plan = planRun(paths, entries, request.shards, request.shards > 1 ? 2 ** 20 : undefined);
  await writePlan(paths, plan);
  await writeRunInfo(paths, infoOf(request));
  for (const attempt of [1, 2]) await prepareAttempt(paths, attempt, request);
  return {
    paths,
    plan,
    task: (attempt, shard, how) =>
      work(paths, ['task', `${attempt}`, '0'], { SLURM_ARRAY_TASK_ID: `${shard}` }, how),
    finish: (attempt, how) => work(paths, ['finish', `${attempt}`], {}, how),
    remove: () => rmSync(top, { recursive: true, force: true }),
  };
}

function infoOf({ source, destination, isNew = true }: RunRequest): Parameters<typeof writeRunInfo>[1] {
  const inode = (path: string) => String(statSync(path, { bigint: true }).ino);
  return {
    id: 'r1',
    version: '0.1.0',
    createdAt: new Date().toISOString(),
    host: 'here',
    uid: process.getuid!(),
    source: { path: source, given: source, inode: inode(source) },
    destination: { path: destination, given: destination, inode: inode(destination), isNew },
    command: ['bcopy', '-s', source, '-d', destination],
    options: {},
  };
}

async function prepareAttempt(paths: RunPaths, attempt: number, request: RunRequest): Promise<void> {
  const { shards, sync, tries, checkpointSeconds = 30 } = request;
  const tasks = Array.from({ length: shards }, (_, task) => task);
  await writeAttempt(paths, {
    attempt,
    createdAt: new Date().toISOString(),
    scheduler: 'local',
    queue: 'local',
    workers: shards,
    cpus: 1,
    threads: 1,
    checkpointSeconds,
    sync,
    tries,
    arrays: [{ number: 0, base: 0, tasks }],
  });
  await writeSubmitted(paths, attempt, 0, `${attempt}00`);
  await writeSubmitted(paths, attempt, 'finish', `${attempt}01`);
}

async function work(
  paths: RunPaths,
  words: readonly string[],
  more: Record<string, string>,
  { under = [], killed }: Circumstances = {},
): Promise<WorkerEnd> {
  const worker = `${inject('installed')}/dist/js/workers/main.js`;
  const [program, ...args] = [...under, process.execPath, worker, ...words];
  const job = { SLURM_JOB_ID: `${words[1]}01`, SLURM_ARRAY_JOB_ID: `${words[1]}00` };
  const env = { PATH: process.env.PATH, ...job, ...more };
  const child = spawn(program!, args, { cwd: paths.root, env, stdio: ['ignore', 'ignore', 'pipe'] });
  killed?.addEventListener('abort', () => child.kill('SIGKILL'));
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, errors };
}
