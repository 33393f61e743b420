import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCopy } from './copy-run.ts';
import { bcopyProgram, type Launch, threads, type Where } from './launch.ts';

/** Scripts that do nothing: the run is planned and submitted, and its task is left to us. */
const templates = {
  task: '#!/bin/sh\n# {{runId}} {{attempt}} {{array}} {{node}} {{worker}}\nexit 0\n',
  finish: '#!/bin/sh\n# {{runId}} {{attempt}} {{node}} {{worker}}\nexit 0\n',
};

/** Plans a copy of one shard, and gives the command that a task of it runs, in its run directory. */
export async function prepareWorker(label: string, where: Where): Promise<Launch> {
  const { directory, source, destination } = where;
  const ours = join(directory, 'templates');
  mkdirSync(ours);
  for (const [kind, text] of Object.entries(templates)) writeFileSync(`${ours}/${kind}.sbatch.hbs`, text);
  const words = [bcopyProgram, '-s', source, '-d', destination, '--scheduler', 'local', '--workers', '1'];
  words.push(
    '--shards',
    '1',
    '--cpus-per-task',
    String(threads),
    '--threads',
    String(threads),
    '--templates',
    ours,
  );
  await runCopy({ label: 'bcopy', program: process.execPath, words }, where);
  return { command: workerCommand(label), options: { ...where, ...placeOf(where) } };
}

function workerCommand(label: string): { label: string; program: string; words: string[] } {
  const worker = fileURLToPath(new URL('../workers/main.js', import.meta.url));
  return { label, program: process.execPath, words: [worker, 'task', '1', '0'] };
}

function placeOf({ directory, environment }: Where): {
  directory: string;
  environment: NodeJS.ProcessEnv;
} {
  const runs = join(directory, '.bcopy');
  const names = readdirSync(runs).filter((name) => /^\d{8}-\d{6}-/.test(name));
  if (names.length !== 1) throw new Error(`${runs} holds ${names.length} runs, not one`);
  const job = {
    SLURM_JOB_ID: '1',
    SLURM_ARRAY_JOB_ID: '1',
    SLURM_ARRAY_TASK_ID: '0',
    SLURM_CPUS_PER_TASK: String(threads),
  };
  return { directory: join(runs, names[0]!), environment: { ...environment, ...job } };
}
