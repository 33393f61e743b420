import { readdirSync, statSync } from 'node:fs';
import { execa } from 'execa';
import type { DeleteWish } from '../../core/run/attempt-wishes.ts';
import type { JournalLine } from '../../core/run/journal-lines.ts';
import { listJournals, readJournal } from '../../core/run/journal-reader.ts';
import { runDeleteTask } from '../../workers/delete-task.ts';
import type { TaskContext } from '../../workers/task-context.ts';
import { journalName } from './run-fixture.ts';
import { keptLog, makeTask, type TaskFixture } from './task-fixture.ts';
import { makeTree, type Tree } from './tree.ts';

/** A run whose source was copied, with more at the destination: what tasks that remove find. */
export async function makeCopied(source: Tree, extra: Tree, shards = 1): Promise<TaskFixture> {
  const task = await makeTask((trees) => makeTree(trees.source, source), shards);
  const { top, destination, source: from } = task.trees;
  await makeTree(`${top}/extra`, extra);
  // The source last: directories have its times
  for (const tree of [`${top}/extra`, from]) await execa('cp', ['-aT', tree, destination]);
  return task;
}

export function deleteContext(task: TaskFixture, shard = 0, wish: Partial<DeleteWish> = {}): TaskContext {
  const made = task.context(journalName(shard, 2));
  const inode = String(statSync(task.trees.destination, { bigint: true }).ino);
  const atMost = task.plan.shards.map((_, number) => ({ shard: number, entries: 1_000_000 }));
  const { destination } = made.info;
  return {
    ...made,
    info: { ...made.info, destination: { ...destination, inode } },
    attempt: { ...made.attempt, phase: 'delete', delete: { to: 'trash', max: '100%', atMost, ...wish } },
  };
}

/** Does the work of the tasks of all shards, and returns why each has ended. */
export async function removeAll(task: TaskFixture, wish: Partial<DeleteWish> = {}): Promise<string[]> {
  const reasons: string[] = [];
  for (const shard of task.plan.shards.keys()) {
    const { log } = keptLog();
    const { signal } = new AbortController();
    const program = new URL('file:///not/used');
    reasons.push(await runDeleteTask(deleteContext(task, shard, wish), { log, program, signal }));
  }
  return reasons;
}

export async function recorded<T extends JournalLine['type']>(
  task: TaskFixture,
  type: T,
): Promise<Extract<JournalLine, { type: T }>[]> {
  const lines = (await listJournals(task.run.paths)).flatMap(({ file }) => [...readJournal(file)]);
  return lines.filter((line): line is Extract<JournalLine, { type: T }> => line.type === type);
}

export function namesIn(directory: string): string[] {
  return readdirSync(directory).sort();
}
