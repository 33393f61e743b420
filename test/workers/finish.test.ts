import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { accountOfRun, readRunState } from '../../core/run/run-state.ts';
import { runFinish } from '../../workers/finish.ts';
import { runTask } from '../../workers/task.ts';
import type { TaskContext } from '../../workers/task-context.ts';
import { done, journalName, writeJournal } from '../helpers/run-fixture.ts';
import { keptLog, makeTask, type TaskFixture } from '../helpers/task-fixture.ts';
import { directory, file, hardLinkTo, makeTree, readTree, symlinkTo } from '../helpers/tree.ts';

const MiB = 2 ** 20;
let task: TaskFixture;
afterEach(() => task.remove());

/** As a worker sees it: without arrays, so that nobody waits for the number of one. */
function contextOf(shard: number | 'finish', attempt = 1): TaskContext {
  const context = task.context(journalName(shard, attempt));
  return { ...context, job: '77', attempt: { ...context.attempt, arrays: [] } };
}

async function doShard(shard: number, attempt = 1) {
  const signal = new AbortController().signal;
  const program = new URL('file:///not/used');
  return runTask(contextOf(shard, attempt), { program, log: keptLog().log, signal });
}

const finish = (attempt = 1) =>
  runFinish(contextOf('finish', attempt), {
    log: keptLog().log,
    program: new URL('file:///not/used'),
    signal: new AbortController().signal,
  });
const account = async () => accountOfRun(task.plan, await readRunState(task.run.paths, task.plan));

const tree = {
  a: file('x', { mode: 0o640, mtimeNs: 5n }),
  big: file(Buffer.alloc(9 * MiB + 7, 'big'), { mode: 0o4755, mtimeNs: 7n }),
  d: directory(
    { l: hardLinkTo('a'), s: symlinkTo('../a'), e: directory({}, { mode: 0o500, mtimeNs: 3n }) },
    { mode: 0o750, mtimeNs: 9n },
  ),
};

describe('a run from its first task to its end', () => {
  test('brings everything to the destination, and the books close', async () => {
    task = await makeTask(({ source }) => makeTree(source, directory(tree, { mtimeNs: 11n })), 4, MiB);
    for (const shard of task.plan.shards.keys()) expect(await doShard(shard)).toBe('complete');
    expect(await finish()).toBe(true);
    expect(await readTree(task.trees.destination)).toEqual(await readTree(task.trees.source));
    expect(statSync(task.trees.destination, { bigint: true }).mtimeNs).toBe(11n);
    expect(await account()).toMatchObject({
      left: { entries: 0, bytes: 0 },
      failed: { entries: 0, bytes: 0 },
    });
    expect(readFileSync(`${task.run.top}/77.log`, 'utf8')).toContain('All 4 files are copied.');
    expect(readFileSync(`${task.run.top}/77.err`, 'utf8')).toBe('');
  });

  test('may be finished twice', async () => {
    task = await makeTask(({ source }) => makeTree(source, tree), 4, MiB);
    for (const shard of task.plan.shards.keys()) await doShard(shard);
    await finish();
    const before = await account();
    expect(await finish(2)).toBe(true);
    expect(await account()).toEqual(before);
  });

  test('tells what a task has not done, and a next attempt does it', async () => {
    task = await makeTask(({ source }) => makeTree(source, tree), 4, MiB);
    for (const shard of [...task.plan.shards.keys()].slice(1)) await doShard(shard);
    expect(await finish()).toBe(false);
    expect((await account()).left.entries).toBeGreaterThan(0);
    expect(readFileSync(`${task.run.top}/77.log`, 'utf8')).toContain('--retry');
    await doShard(0, 2);
    expect(await finish(2)).toBe(true);
    expect(await readTree(task.trees.destination)).toEqual(await readTree(task.trees.source));
  });
});

describe('what a killed worker left', () => {
  test('is removed before directories get their times', async () => {
    task = await makeTask(({ source }) => makeTree(source, { d: directory({ a: 'x' }, { mtimeNs: 9n }) }));
    await makeTree(`${task.trees.destination}/d`, { a: 'old' });
    writeFileSync(`${task.trees.destination}/d/.bcopy.r1.2.1-0-99`, 'torn');
    writeJournal(task.run.paths, journalName(0), [done(0, 2, {})]);
    expect(await finish()).toBe(false);
    expect(readdirSync(`${task.trees.destination}/d`)).toEqual(['a']);
    expect(statSync(`${task.trees.destination}/d`, { bigint: true }).mtimeNs).toBe(9n);
  });
});
