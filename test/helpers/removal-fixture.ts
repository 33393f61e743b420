import { closeSync, openSync, statSync } from 'node:fs';
import { identityOfDoomed } from '../../core/storage/posix/doomed-tree.ts';
import { runRemoveFinish } from '../../workers/remove-finish.ts';
import { runRemoveTask } from '../../workers/remove-task.ts';
import type { TaskContext } from '../../workers/task-context.ts';
import { taskOptions } from './hash-fixture.ts';
import { journalName } from './run-fixture.ts';
import type { TaskFixture } from './task-fixture.ts';

export type RemovalWish = {
  readonly attempt?: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
};

/** What the source of a run is known by; to be asked for before it goes. */
export function identityOfSource({ trees }: TaskFixture): string {
  const fd = openSync(trees.source, 'r');
  try {
    return identityOfDoomed(fd);
  } finally {
    closeSync(fd);
  }
}

/** Of a worker that removes the source of a run. */
function removalContext(
  task: TaskFixture,
  shard: number | 'finish',
  identity: string,
  { attempt = 1, threads = 1 }: RemovalWish,
): TaskContext {
  const made = task.context(journalName(shard, attempt));
  const { top } = task.trees;
  const inode = String(statSync(top, { bigint: true }).ino);
  const info = {
    ...made.info,
    purpose: 'remove' as const,
    destination: { path: top, given: top, inode, isNew: false },
  };
  // Finish would wait for the number of an array
  const arrays = shard === 'finish' ? [] : made.attempt.arrays;
  const removing = { ...made.attempt, threads, arrays, phase: 'remove', remove: { identity } } as const;
  return { ...made, info, attempt: removing };
}

export function removeShard(task: TaskFixture, shard: number, identity: string, wish: RemovalWish = {}) {
  return runRemoveTask(removalContext(task, shard, identity, wish), taskOptions(wish.signal));
}

export function finishRemoval(task: TaskFixture, identity: string, wish: RemovalWish = {}) {
  return runRemoveFinish(removalContext(task, 'finish', identity, wish), taskOptions(wish.signal));
}

/** All tasks and finish; true when nothing is left. */
export async function removeSource(task: TaskFixture, wish: RemovalWish = {}): Promise<boolean> {
  const identity = identityOfSource(task);
  for (const shard of task.plan.shards.keys()) await removeShard(task, shard, identity, wish);
  return finishRemoval(task, identity, wish);
}
