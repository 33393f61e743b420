import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hasDoubts } from '../../core/run/doubt-file.ts';
import { SystemError } from '../../core/storage/posix/system-error.ts';
import type { Storage } from '../../core/storage/storage.ts';
import { runTask } from '../../workers/task.ts';
import { syncOf } from '../../workers/task-context.ts';
import { journalName } from '../helpers/run-fixture.ts';
import { keptLog, makeTask, type TaskFixture } from '../helpers/task-fixture.ts';
import { makeTree } from '../helpers/tree.ts';

let task: TaskFixture;
beforeEach(async () => {
  task = await makeTask((trees) => makeTree(trees.source, { a: 'content', b: 'more' }));
});
afterEach(() => task.remove());

/** What is there when the kernel could not write a file's content and has forgotten it: its size and its time. */
function loseContent(name: string): void {
  const { atime, mtime, size } = statSync(`${task.trees.source}/${name}`);
  const file = `${task.trees.destination}/${name}`;
  writeFileSync(file, Buffer.alloc(size));
  utimesSync(file, atime, mtime);
}

async function work(hasDoubtsNow: boolean): Promise<string> {
  // A source with times that utimes can set
  for (const name of ['a', 'b']) utimesSync(`${task.trees.source}/${name}`, 1000, 2000);
  loseContent('a');
  const context = { ...task.context(journalName(0)), hasDoubts: hasDoubtsNow };
  const signal = new AbortController().signal;
  const program = new URL('file:///not/used');
  expect(await runTask(context, { log: keptLog().log, program, signal })).toBe('complete');
  return readFileSync(`${task.trees.destination}/a`, 'utf8');
}

test('a sync that fails is told to all workers that come after', async () => {
  const context = task.context(journalName(0));
  expect(await hasDoubts(context.paths)).toBe(false);
  const sync = () => Promise.reject(new SystemError('EIO', 'sync the destination'));
  await expect(syncOf(context, { sync } as unknown as Storage)()).rejects.toMatchObject({
    kind: 'destinationUnwritable',
    message: expect.stringMatching(/^cannot sync the destination on .*: input\/output error \(EIO\)$/),
  });
  expect(await hasDoubts(context.paths)).toBe(true);
});

test('then a file is copied again that only looks like a copy', async () => {
  expect(await work(true)).toBe('content');
});

test('otherwise what looks like a copy is one', async () => {
  expect(await work(false)).toBe('\0'.repeat(7));
});
