import { readFileSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { execaSync } from 'execa';
import { inject } from 'vitest';
import type { ManifestWish } from '../../core/run/attempt-wishes.ts';
import type { RunInfo } from '../../core/run/run-info.ts';
import { runHashFinish } from '../../workers/hash-finish.ts';
import { runHashTask } from '../../workers/hash-task.ts';
import type { TaskOptions } from '../../workers/task.ts';
import type { TaskContext } from '../../workers/task-context.ts';
import { journalName } from './run-fixture.ts';
import { keptLog, type TaskFixture } from './task-fixture.ts';

export type HashWish = Partial<ManifestWish> & {
  readonly purpose?: RunInfo['purpose'];
  readonly signal?: AbortSignal;
  readonly attempt?: number;
};

/** Of a worker that hashes the source, or what was copied. */
export function hashContext(
  task: TaskFixture,
  shard: number | 'finish',
  { purpose = 'manifest', signal: _, attempt = 1, ...wish }: HashWish = {},
): TaskContext {
  const made = task.context(journalName(shard, attempt));
  const { source, destination } = made.info;
  const tree = purpose === 'manifest' ? source! : { ...destination, inode: inodeOf(destination.path) };
  const info = { ...made.info, purpose, destination: { ...tree, isNew: false } };
  const manifest: ManifestWish = { algorithm: 'sha256', file: `${task.run.top}/SUMS`, since: 1, ...wish };
  // Finish would wait for the number of an array
  const arrays = shard === 'finish' ? [] : made.attempt.arrays;
  return { ...made, info, attempt: { ...made.attempt, arrays, phase: 'hash', manifest } };
}

export function taskOptions(
  signal = new AbortController().signal,
): TaskOptions & { readonly lines: string[] } {
  const program = pathToFileURL(`${inject('installed')}/dist/js/workers/main.js`);
  return { ...keptLog(), program, signal };
}

/** The task of one shard; why it has ended. */
export function hashShard(task: TaskFixture, shard: number, wish: HashWish = {}): Promise<string> {
  return runHashTask(hashContext(task, shard, wish), taskOptions(wish.signal));
}

export function finishHashing(task: TaskFixture, wish: HashWish = {}): Promise<boolean> {
  return runHashFinish(hashContext(task, 'finish', wish), taskOptions());
}

/** All tasks and finish; what is in the manifest, or undefined where finish has made none. */
export async function hashAll(task: TaskFixture, wish: HashWish = {}): Promise<string | undefined> {
  for (const shard of task.plan.shards.keys()) await hashShard(task, shard, wish);
  return (await finishHashing(task, wish)) ? manifestOf(task) : undefined;
}

export function manifestOf(task: TaskFixture): string {
  return readFileSync(`${task.run.top}/SUMS`, 'latin1');
}

/** What the algorithm's own program makes of a tree. */
export function sumsOf(tree: string, program = 'sha256sum'): string {
  const script = `find . -type f -print0 | LC_ALL=C sort -z | xargs -0r ${program}`;
  const { stdout } = execaSync('bash', ['-c', script], { cwd: tree, encoding: 'buffer' });
  const text = Buffer.from(stdout).toString('latin1').replaceAll('  ./', '  ');
  return text === '' ? '' : `${text}\n`;
}

function inodeOf(path: string): string {
  return String(statSync(path, { bigint: true }).ino);
}
