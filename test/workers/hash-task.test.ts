import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { JournalLine } from '../../core/run/journal-lines.ts';
import { recorded } from '../helpers/delete-fixture.ts';
import { finishHashing, hashAll, hashShard, manifestOf, sumsOf } from '../helpers/hash-fixture.ts';
import { fillHostileTree } from '../helpers/hostile-tree.ts';
import { done, journalName, vanished, writeJournal } from '../helpers/run-fixture.ts';
import { makeTask, type TaskFixture } from '../helpers/task-fixture.ts';
import { makeTree, type Tree } from '../helpers/tree.ts';

let task: TaskFixture;
afterEach(() => task.remove());

const made = async (tree: Tree, shards = 1, partBytes?: number) => {
  task = await makeTask((trees) => makeTree(trees.source, tree), shards, partBytes);
  return task;
};
const many: Tree = Object.fromEntries(
  Array.from({ length: 60 }, (_, i) => [`d${i % 7}.${i}`, { [`f${i}`]: `${i}`, sub: { x: 'x' } }]),
);

describe('the manifest of a tree', () => {
  test('is that of the program of its algorithm, whatever the names and however many tasks', async () => {
    task = await makeTask(async ({ source, top }) => {
      fillHostileTree(source, top);
      // Too large, and too deep, for the other program
      execFileSync('bash', ['-c', 'rm -rf "$1"/sparse "$1"/deep*', 'bash', source]);
    }, 5);
    expect(await hashAll(task)).toBe(sumsOf(task.trees.source));
    expect((await recorded(task, 'digests')).filter(({ file }) => file !== undefined).length).toBeGreaterThan(
      4,
    );
  });

  test('of an empty tree is empty, and of one file a line', async () => {
    await made({});
    expect(await hashAll(task)).toBe('');
    task.remove();
    await made({ 'one\\file': '1' });
    expect(await hashAll(task)).toMatch(/^\\[0-9a-f]{64} {2}one\\\\file\n$/);
  });

  test('has a large file that several tasks would share', async () => {
    await made({ a: 'a', large: 'large'.repeat(1_000_000), z: 'z' }, 4, 4096);
    expect(task.plan.shards.filter(({ start }) => start.byte > 0).length).toBeGreaterThan(1);
    expect(await hashAll(task)).toBe(sumsOf(task.trees.source));
    const lines = await recorded(task, 'digests');
    expect(lines.reduce((sum, { files }) => sum + files, 0)).toBe(3);
  });

  test('has every name of a file with several', async () => {
    task = await makeTask(async ({ source }) => {
      await makeTree(source, { a: 'a', d: {} });
      linkSync(`${source}/a`, `${source}/d/b`);
    });
    expect(await hashAll(task)).toBe(sumsOf(task.trees.source));
    expect(manifestOf(task).split('\n')).toHaveLength(3);
  });

  test('lacks itself, and what is gone meanwhile', async () => {
    await made({ a: 'a', b: 'b', SUMS: 'old' });
    rmSync(`${task.trees.source}/b`);
    const manifest = await hashAll(task, { without: 'SUMS' });
    expect(manifest?.split('\n').map((line) => line.slice(66))).toEqual(['a', '']);
  });

  test('is not made when a file cannot be read, and then it is told', async () => {
    await made({ a: 'a', b: 'b' });
    writeFileSync(`${task.run.top}/SUMS`, 'of yesterday\n');
    renameSync(`${task.trees.source}/b`, `${task.trees.source}/away`);
    mkdirSync(`${task.trees.source}/b`);
    // Of a run that copies it would have to be there
    writeJournal(task.run.paths, journalName(0), [done(0, 3, {})]);
    expect(await hashShard(task, 0, { purpose: 'copy', attempt: 2 })).toBe('failures');
    expect(await finishHashing(task, { purpose: 'copy', attempt: 2 })).toBe(false);
    expect(manifestOf(task)).toBe('of yesterday\n');
    expect(readdirSync(task.run.top).filter((name) => name.startsWith('SUMS'))).toEqual(['SUMS']);
  });

  test('is not made when its place cannot be written to, and finish says why', async () => {
    await made({ a: 'a' });
    expect(await hashAll(task, { file: '/nowhere/at/all/SUMS' })).toBeUndefined();
    expect(await recorded(task, 'manifest')).toMatchObject([{ why: expect.stringContaining('ENOENT') }]);
  });
});

describe('the manifest of a copy', () => {
  const outcome = (line: JournalLine[]) => writeJournal(task.run.paths, journalName(0), line);
  const copied = (...lines: JournalLine[]) => {
    const { source, destination } = task.trees;
    rmSync(destination, { recursive: true });
    renameSync(source, destination);
    mkdirSync(source);
    outcome([done(0, task.plan.totals.entries, {}), ...lines]);
  };
  const wish = { purpose: 'copy', attempt: 2 } as const;

  test('is of what is at the destination, and of nothing that came there otherwise', async () => {
    await made(many);
    copied();
    const sums = sumsOf(task.trees.destination);
    writeFileSync(`${task.trees.destination}/other`, 'other');
    expect(await hashAll(task, wish)).toBe(sums);
  });

  test('lacks what has vanished from the source while it was copied', async () => {
    await made({ a: 'a', b: 'b' });
    copied();
    outcome([done(0, 2, {}), vanished(2, 1)]);
    expect((await hashAll(task, wish))?.split('\n')).toHaveLength(2);
  });

  test('is not made when something is missing, and is once that is back', async () => {
    await made({ a: 'a', b: 'b' });
    copied();
    const sums = sumsOf(task.trees.destination);
    renameSync(`${task.trees.destination}/a`, `${task.trees.top}/a`);
    expect(await hashAll(task, wish)).toBeUndefined();
    expect(await recorded(task, 'unhashed')).toMatchObject([{ path: 'a', cause: 'ENOENT' }]);
    expect(existsSync(`${task.run.top}/SUMS`)).toBe(false);
    renameSync(`${task.trees.top}/a`, `${task.trees.destination}/a`);
    expect(await hashAll(task, { ...wish, attempt: 3 })).toBe(sums);
  });
});

describe('a task that hashes', () => {
  test('goes on after one that was killed, and hashes nothing again', async () => {
    await made(many, 3);
    await hashAll(task);
    const first = manifestOf(task);
    const lines = await recorded(task, 'digests');
    const files = () => readdirSync(task.run.paths.digests).length;
    const before = files();
    expect(await hashAll(task, { attempt: 2 })).toBe(first);
    expect(files()).toBe(before);
    expect((await recorded(task, 'digests')).length).toBe(2 * lines.length);
  });

  test('begins anew for a manifest that somebody asks for later', async () => {
    await made({ a: 'a', b: 'b' });
    await hashAll(task);
    writeFileSync(`${task.trees.source}/a`, 'other');
    expect(await hashAll(task, { attempt: 2, since: 2 })).toBe(sumsOf(task.trees.source));
    expect(await hashAll(task, { attempt: 3, since: 3, algorithm: 'md5' })).toBe(
      sumsOf(task.trees.source, 'md5sum'),
    );
  });

  test('records what it has when it is cut off, and the rest is left', async () => {
    await made(many);
    const signal = AbortSignal.abort(new Error('cut off'));
    expect(await hashShard(task, 0, { signal })).toBe('cut off');
    expect(await finishHashing(task)).toBe(false);
    expect(await hashAll(task, { attempt: 2 })).toBe(sumsOf(task.trees.source));
  });

  test('records nothing once a newer one has its shard', async () => {
    await made(many);
    writeJournal(task.run.paths, journalName(0, 3), []);
    expect(await hashShard(task, 0)).toBe('superseded');
    expect(await recorded(task, 'digests')).toEqual([]);
  });
});
