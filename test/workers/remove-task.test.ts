import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { readUnlinked } from '../../core/run/unlinked-state.ts';
import { namesIn, recorded } from '../helpers/delete-fixture.ts';
import { fillHostileTree } from '../helpers/hostile-tree.ts';
import { finishRemoval, identityOfSource, removeShard, removeSource } from '../helpers/removal-fixture.ts';
import { journalName, writeJournal } from '../helpers/run-fixture.ts';
import { makeTask, type TaskFixture } from '../helpers/task-fixture.ts';
import { makeTree, type Tree } from '../helpers/tree.ts';

const isRoot = process.getuid?.() === 0;
let task: TaskFixture;
afterEach(() => task.remove());

const made = async (tree: Tree, shards = 1) => {
  task = await makeTask((trees) => makeTree(trees.source, tree), shards);
  return task;
};
const many: Tree = Object.fromEntries(
  Array.from({ length: 60 }, (_, i) => [`d${i}`, { a: 'ab', sub: { x: 'x', deeper: { y: 'y' } } }]),
);
const unlinked = () => readUnlinked(task.run.paths, task.plan);
const at = (path: string) => `${task.trees.source}/${path}`;

describe('a tree that is to go', () => {
  test.each([1, 4])('goes whole, whatever the names, by %d threads of each task', async (threads) => {
    task = await makeTask(async ({ source, top }) => fillHostileTree(source, top), 5);
    expect(await removeSource(task, { threads })).toBe(true);
    expect(namesIn(task.trees.top)).toEqual(['destination', 'elsewhere']);
    const { entries, bytes } = task.plan.totals;
    expect(await unlinked()).toMatchObject({ entries, bytes, stays: [], gone: { stays: 0 } });
  });

  test('goes by its tasks, but for directories that lie in several shards', async () => {
    await made(many, 4);
    const identity = identityOfSource(task);
    for (const shard of task.plan.shards.keys())
      expect(await removeShard(task, shard, identity)).toBe('complete');
    const left = execFileSync('find', [task.trees.source], { encoding: 'utf8' }).trim().split('\n');
    expect(left.length).toBeLessThanOrEqual(1 + 3 * 3);
    expect(await finishRemoval(task, identity)).toBe(true);
  });

  test('may be empty, and may be gone already', async () => {
    await made({});
    const identity = identityOfSource(task);
    expect(await removeSource(task)).toBe(true);
    expect(await removeShard(task, 0, identity, { attempt: 2 })).toBe('complete');
    expect(await finishRemoval(task, identity, { attempt: 2 })).toBe(true);
  });

  test('goes with what has come into it since', async () => {
    await made(many, 2);
    writeFileSync(at('d7/sub/new'), 'new');
    mkdirSync(at('new/new'), { recursive: true });
    expect(await removeSource(task)).toBe(true);
    expect(existsSync(task.trees.source)).toBe(false);
  });

  test('leads nowhere by a symlink that has come into it since', async () => {
    await made(many, 2);
    await makeTree(`${task.trees.top}/outside`, { a: 'precious', sub: { x: 'precious' } });
    renameSync(at('d7'), `${task.trees.top}/away`);
    symlinkSync('../outside', at('d7'));
    expect(await removeSource(task)).toBe(true);
    expect(namesIn(`${task.trees.top}/outside`)).toEqual(['a', 'sub']);
    expect(namesIn(`${task.trees.top}/outside/sub`)).toEqual(['x']);
    expect(namesIn(`${task.trees.top}/away`)).toEqual(['a', 'sub']);
  });

  test('is no other that has got its name', async () => {
    await made(many);
    const identity = identityOfSource(task);
    renameSync(task.trees.source, `${task.trees.top}/away`);
    await makeTree(task.trees.source, many);
    await expect(removeShard(task, 0, identity)).rejects.toThrow('SOURCE_ROOT');
    writeJournal(task.run.paths, journalName(0), [
      { type: 'unlinked', from: 0, to: task.plan.totals.entries, entries: 0, bytes: 0 },
    ]);
    expect(await finishRemoval(task, identity)).toBe(false);
    expect(await recorded(task, 'stays')).toMatchObject([{ path: '', cause: 'SOURCE_ROOT' }]);
    expect(namesIn(task.trees.source)).toHaveLength(60);
    // Nor one with the same inode number that was made later
    expect(await finishRemoval(task, `${identity}0`)).toBe(false);
  });

  test.runIf(isRoot)('stays where something cannot go, and that is told once with its path', async () => {
    await made(many, 3);
    await execa('chattr', ['+i', at('d7/sub'), at('d9/a')]);
    try {
      expect(await removeSource(task)).toBe(false);
      const stays = await recorded(task, 'stays');
      expect(stays.map(({ path, cause }) => `${path} ${cause}`).sort()).toEqual([
        'd7/sub EPERM',
        'd7/sub/deeper EPERM',
        'd7/sub/x EPERM',
        'd9/a EPERM',
      ]);
      expect(namesIn(task.trees.source)).toEqual(['d7', 'd9']);
    } finally {
      await execa('chattr', ['-i', at('d7/sub'), at('d9/a')]);
    }
    expect(await removeSource(task, { attempt: 2 })).toBe(true);
    expect((await unlinked()).stays).toEqual([]);
  });

  test.runIf(isRoot)('is not what is mounted in its place', async () => {
    await made(many);
    const identity = identityOfSource(task);
    await execa('mount', ['--bind', task.trees.source, task.trees.source]);
    try {
      await expect(removeShard(task, 0, identity)).rejects.toThrow('EXDEV');
    } finally {
      await execa('umount', [task.trees.source]);
    }
    expect(namesIn(task.trees.source)).toHaveLength(60);
  });

  test.runIf(isRoot)('stays where something is mounted', async () => {
    await made(many);
    await makeTree(`${task.trees.top}/outside`, { a: 'precious', sub: { x: 'precious' } });
    await execa('mount', ['--bind', `${task.trees.top}/outside`, at('d7')]);
    try {
      expect(await removeSource(task)).toBe(false);
      expect(namesIn(`${task.trees.top}/outside/sub`)).toEqual(['x']);
      expect(namesIn(task.trees.source)).toEqual(['d7']);
    } finally {
      await execa('umount', [at('d7')]);
    }
  });
});

describe('a task that removes', () => {
  test('goes on where one was cut off', async () => {
    await made(many, 2);
    const identity = identityOfSource(task);
    const signal = AbortSignal.abort(new Error('cut off'));
    expect(await removeShard(task, 0, identity, { signal })).toBe('cut off');
    expect(await removeShard(task, 1, identity)).toBe('complete');
    expect(await finishRemoval(task, identity)).toBe(false);
    expect(namesIn(task.trees.source).length).toBeGreaterThan(20);
    expect(await removeShard(task, 0, identity, { attempt: 2 })).toBe('complete');
    expect(await finishRemoval(task, identity, { attempt: 2, signal })).toBe(false);
    expect(await finishRemoval(task, identity, { attempt: 3 })).toBe(true);
    expect((await unlinked()).entries).toBe(task.plan.totals.entries);
  });

  test('records nothing once a newer one has its shard', async () => {
    await made(many);
    const identity = identityOfSource(task);
    writeJournal(task.run.paths, journalName(0, 3), []);
    expect(await removeShard(task, 0, identity)).toBe('superseded');
    expect(await recorded(task, 'unlinked')).toEqual([]);
    rmSync(task.trees.source, { recursive: true });
  });
});
