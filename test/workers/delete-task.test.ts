import {
  chmodSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { writeAttempt } from '../../core/run/attempt-file.ts';
import { undoTrash } from '../../core/storage/posix/undo-trash.ts';
import { runDeleteTask } from '../../workers/delete-task.ts';
import { deleteContext, makeCopied, namesIn, recorded, removeAll } from '../helpers/delete-fixture.ts';
import { keptLog, type TaskFixture } from '../helpers/task-fixture.ts';
import { directory, file, makeTree, readTree, symlinkTo } from '../helpers/tree.ts';

let task: TaskFixture;
afterEach(() => task.remove());

const source = { a: 'x', sub: { b: 'y', deeper: { c: 'z' } } };
const extra = {
  old: 'gone',
  'old-dir': { one: '1', two: { three: '3' } },
  link: symlinkTo('a'),
  sub: { stale: 'stale', deeper: { 'stale-dir': { f: 'f' } } },
};

describe('what the source does not have', () => {
  test('goes to the trash, each thing at its path, and the rest is as it was', async () => {
    task = await makeCopied(source, extra);
    const { destination } = task.trees;
    expect(await removeAll(task)).toEqual(['complete']);
    const trash = `${destination}/.bcopy-trash/r1`;
    expect(await shownOf(trash)).toEqual(await shownOf(`${task.trees.top}/extra`));
    renameSync(`${destination}/.bcopy-trash`, `${task.trees.top}/away`);
    expect(await readTree(destination)).toEqual(await readTree(task.trees.source));
  });

  test('is recorded with what was below it', async () => {
    task = await makeCopied(source, extra);
    await removeAll(task);
    const removed = await recorded(task, 'removed');
    expect(
      removed.map(({ path, kind, entries, bytes, to }) => [path, kind, entries, bytes, to]).sort(),
    ).toEqual([
      ['link', 'other', 1, 0, '.bcopy-trash/r1'],
      ['old', 'other', 1, 4, '.bcopy-trash/r1'],
      ['old-dir', 'directory', 4, 2, '.bcopy-trash/r1'],
      ['sub/deeper/stale-dir', 'directory', 2, 1, '.bcopy-trash/r1'],
      ['sub/stale', 'other', 1, 5, '.bcopy-trash/r1'],
    ]);
  });

  test.each(['trash', 'now'] as const)(
    'goes without a change to the times of directories (%s)',
    async (to) => {
      task = await makeCopied(source, extra);
      const { destination } = task.trees;
      const times = () =>
        ['', '/sub', '/sub/deeper'].map((path) => statSync(destination + path, { bigint: true }).mtimeNs);
      const before = times();
      await removeAll(task, { to });
      expect(times()).toEqual(before);
    },
  );

  test('goes for good when that is said, and leaves no trash', async () => {
    task = await makeCopied(source, extra);
    expect(await removeAll(task, { to: 'now' })).toEqual(['complete']);
    expect(await readTree(task.trees.destination)).toEqual(await readTree(task.trees.source));
    expect((await recorded(task, 'removed')).every(({ to }) => to === undefined)).toBe(true);
  });

  test('goes by the work of several tasks, each of its own directories', async () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`d${i}`, { f: `${i}` }]));
    const stale = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`d${i}`, { stale: 's' }]));
    task = await makeCopied(many, stale, 4);
    await removeAll(task, { to: 'now' });
    const shards = (await recorded(task, 'removed')).map(({ path }) => path);
    expect([...shards].sort()).toEqual(
      Object.keys(stale)
        .map((name) => `${name}/stale`)
        .sort(),
    );
    expect(await readTree(task.trees.destination)).toEqual(await readTree(task.trees.source));
  });

  test('goes from directories whose modes keep their owner from writing, which stay so', async () => {
    task = await makeCopied({ locked: { a: 'a' } }, { locked: { stale: { deep: 'd' } } });
    const { destination } = task.trees;
    chmodSync(`${destination}/locked/stale`, 0o555);
    chmodSync(`${destination}/locked`, 0o555);
    expect(await removeAll(task)).toEqual(['complete']);
    expect(namesIn(`${destination}/locked`)).toEqual(['a']);
    expect(statSync(`${destination}/locked`).mode & 0o777).toBe(0o555);
    expect(statSync(`${destination}/.bcopy-trash/r1/locked/stale`).mode & 0o777).toBe(0o555);
  });
});

test('a worker that comes after another finds nothing more, and goes on where that was ended', async () => {
  task = await makeCopied(source, extra);
  const { destination } = task.trees;
  await removeAll(task, { atMost: [{ shard: 0, entries: 3 }] });
  const removed = (await recorded(task, 'removed')).length;
  expect(await removeAll(task)).toEqual(['complete']);
  expect((await recorded(task, 'removed')).length).toBe(5);
  expect(removed).toBeLessThan(5);
  expect(await removeAll(task)).toEqual(['complete']);
  expect((await recorded(task, 'removed')).length).toBe(5);
  expect(namesIn(destination)).toEqual(['.bcopy-trash', 'a', 'sub']);
});

test('a worker that is told to stop before it begins removes at most what it has in hand', async () => {
  task = await makeCopied(
    source,
    Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`old${i}`, 'o'])),
  );
  const { log } = keptLog();
  const options = { log, program: new URL('file:///not/used'), signal: AbortSignal.abort() };
  expect(await runDeleteTask(deleteContext(task), options)).toBe('cut off');
  const gone = (await recorded(task, 'removed')).length;
  expect(gone).toBeLessThan(300);
  expect(namesIn(`${task.trees.destination}/.bcopy-trash/r1`).length).toBe(gone);
});

describe('what stays', () => {
  test('is what the source has got since it was scanned', async () => {
    task = await makeCopied(source, extra);
    writeFileSync(`${task.trees.source}/old`, 'new');
    mkdirSync(`${task.trees.source}/sub/stale`);
    await removeAll(task);
    expect(namesIn(task.trees.destination)).toContain('old');
    expect(namesIn(`${task.trees.destination}/sub`)).toContain('stale');
  });

  test('is what was scanned and is not at the source any more: a part of it may not be mounted', async () => {
    task = await makeCopied(source, {});
    rmSync(`${task.trees.source}/sub`, { recursive: true });
    mkdirSync(`${task.trees.source}/sub`);
    const before = await readTree(task.trees.destination);
    expect(await removeAll(task)).toEqual(['complete']);
    expect(await readTree(task.trees.destination)).toEqual(before);
  });

  test('is everything when the source is another directory than the one that was scanned', async () => {
    task = await makeCopied(source, extra);
    renameSync(task.trees.source, `${task.trees.top}/unmounted`);
    mkdirSync(task.trees.source);
    const before = await readTree(task.trees.destination);
    await expect(removeAll(task)).rejects.toThrow(/cannot open the source/);
    expect(await readTree(task.trees.destination)).toEqual(before);
  });

  test('is what bcopy has put there itself: trashes, runs and files that are not whole', async () => {
    const own = {
      '.bcopy-trash': { 'another-run': { f: 'f' } },
      '.bcopy': { r: 'r' },
      '.bcopy.20260102-030405-abcd.17.1-0-99': 'half',
      sub: {
        '.bcopy.20260102-030405-abcd.18.parts': 'half',
        // Of a time when this was a destination by itself
        '.bcopy-trash': { 'another-run': { f: 'f' } },
      },
    };
    task = await makeCopied(source, own);
    const before = await readTree(task.trees.destination);
    await removeAll(task, { to: 'now' });
    expect(await readTree(task.trees.destination)).toEqual(before);
  });

  test('is a directory that holds such a thing, while all else in it goes', async () => {
    task = await makeCopied(source, { old: { '.bcopy': { r: 'r' }, f: 'f', d: { e: 'e' } } });
    await removeAll(task, { to: 'now' });
    expect(namesIn(`${task.trees.destination}/old`)).toEqual(['.bcopy']);
    expect(namesIn(`${task.trees.destination}/old/.bcopy`)).toEqual(['r']);
  });

  test('is what the filters of the run exclude, and the directories above it', async () => {
    const kept = { 'x.o': 'o', old: { 'y.o': 'o', f: 'f' }, logs: { l: 'l' } };
    task = await makeCopied(source, { ...kept, stale: 's' });
    const rules = [
      { kind: 'exclude', pattern: '*.o' },
      { kind: 'exclude', pattern: '/logs/' },
    ] as const;
    const context = deleteContext(task, 0, { to: 'now' });
    const info = { ...context.info, filters: { rules: [...rules] } };
    const signal = new AbortController().signal;
    const options = { log: keptLog().log, signal, program: new URL('file:///not/used') };
    await runDeleteTask({ ...context, info }, options);
    const { destination } = task.trees;
    expect(namesIn(destination)).toEqual(['a', 'logs', 'old', 'sub', 'x.o']);
    expect(namesIn(`${destination}/old`)).toEqual(['y.o']);
    expect(namesIn(`${destination}/logs`)).toEqual(['l']);
  });

  test('is what may be at the source though nobody sees it: filters by age leave it out, and nothing is mounted there', async () => {
    task = await makeCopied({ a: 'x', part: {} }, { part: { old: 'o' } });
    const context = deleteContext(task, 0, { to: 'now' });
    const options = {
      log: keptLog().log,
      signal: new AbortController().signal,
      program: new URL('file:///not/used'),
    };
    const info = { ...context.info, filters: { newerMs: 1 } };
    expect(await runDeleteTask({ ...context, info }, options)).toBe('complete');
    expect(namesIn(`${task.trees.destination}/part`)).toEqual(['old']);
  });

  test('is what comes on top of what was counted before', async () => {
    task = await makeCopied(source, { one: '1', dir: { two: '2', three: '3' } });
    const atMost = [{ shard: 0, entries: 2 }];
    expect(await removeAll(task, { atMost })).toEqual(['failures']);
    expect(namesIn(task.trees.destination)).toEqual(['.bcopy-trash', 'a', 'dir', 'sub']);
    expect((await recorded(task, 'kept')).map(({ path, cause }) => [path, cause])).toEqual([
      ['dir', 'LIMIT'],
    ]);
  });

  test('is the same for all workers of a shard together, also when the last of them continue another attempt', async () => {
    const old = (from: number) =>
      Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`old${from + i}`, 'o']));
    task = await makeCopied(source, old(0));
    const { destination } = task.trees;
    const atMost = [{ shard: 0, entries: 4 }];
    expect(await removeAll(task, { atMost })).toEqual(['complete']);
    await makeTree(destination, old(3));
    expect(await removeAll(task, { atMost })).toEqual(['failures']);
    expect(namesIn(`${destination}/.bcopy-trash/r1`)).toHaveLength(4);
    const context = deleteContext(task, 0, { atMost });
    mkdirSync(task.run.paths.attempt(2), { recursive: true });
    await writeAttempt(task.run.paths, context.attempt);
    const next = { ...context.attempt, attempt: 3, continues: 2 };
    const options = {
      log: keptLog().log,
      signal: new AbortController().signal,
      program: new URL('file:///not/used'),
    };
    const journal = { ...context.journal, attempt: 3 };
    expect(await runDeleteTask({ ...context, journal, attempt: next }, options)).toBe('failures');
    expect(namesIn(`${destination}/.bcopy-trash/r1`)).toHaveLength(4);
    const anew = { ...context.attempt, attempt: 4 };
    const later = { ...journal, attempt: 4 };
    expect(await runDeleteTask({ ...context, journal: later, attempt: anew }, options)).toBe('complete');
  });

  test('is what a symlink leads to', async () => {
    task = await makeCopied(source, {});
    const outside = `${task.trees.top}/outside`;
    await makeTree(outside, { precious: 'p', dir: { f: 'f' } });
    symlinkSync(outside, `${task.trees.destination}/leads-out`);
    mkdirSync(`${task.trees.destination}/old`);
    symlinkSync(outside, `${task.trees.destination}/old/leads-out`);
    await removeAll(task, { to: 'now' });
    expect(namesIn(task.trees.destination)).toEqual(['a', 'sub']);
    expect(namesIn(outside)).toEqual(['dir', 'precious']);
  });

  test('is all, where the trash is not a directory of our own', async () => {
    task = await makeCopied(source, { old: 'o' });
    const outside = `${task.trees.top}/outside`;
    mkdirSync(outside);
    symlinkSync(outside, `${task.trees.destination}/.bcopy-trash`);
    expect(await removeAll(task)).toEqual(['failures']);
    expect(existsSync(`${task.trees.destination}/old`)).toBe(true);
    expect(namesIn(outside)).toEqual([]);
  });
});

describe('undo', () => {
  const undo = () => {
    const { path } = task.context().info.destination;
    const { inode } = deleteContext(task).info.destination;
    return undoTrash({ path, inode, isNew: false }, 'r1');
  };

  test('brings everything back as it was, and takes the trash away', async () => {
    task = await makeCopied(source, {
      ...extra,
      timed: directory(
        { f: file('f', { mode: 0o640, mtimeNs: 1_000_000_000_123_456_789n }) },
        { mode: 0o750 },
      ),
    });
    const before = await readTree(task.trees.destination);
    const listed = () =>
      ['', '/sub', '/timed'].map((path) => statSync(task.trees.destination + path, { bigint: true }).mtimeNs);
    const times = listed();
    await removeAll(task);
    expect(undo()).toMatchObject({ names: 6, kept: [] });
    expect(await readTree(task.trees.destination)).toEqual(before);
    expect(listed()).toEqual(times);
    expect(undo()).toBeUndefined();
  });

  test('leaves in the trash what has lost its place, and brings it back later', async () => {
    task = await makeCopied(source, extra);
    await removeAll(task);
    const { destination } = task.trees;
    writeFileSync(`${destination}/old`, 'in the way');
    expect(undo()?.kept).toEqual([{ path: 'old', cause: 'EEXIST', action: 'bring back' }]);
    expect(namesIn(`${destination}/.bcopy-trash/r1`)).toEqual(['old']);
    rmSync(`${destination}/old`);
    expect(undo()).toMatchObject({ names: 1, kept: [] });
    expect(existsSync(`${destination}/.bcopy-trash`)).toBe(false);
  });

  test('leaves the trashes of other runs alone', async () => {
    task = await makeCopied(source, { ...extra, '.bcopy-trash': { other: { f: 'f' } } });
    await removeAll(task);
    undo();
    expect(namesIn(`${task.trees.destination}/.bcopy-trash`)).toEqual(['other']);
  });
});

/** Without the modes and times of directories on the way, which are the trash's own. */
function shownOf(directory: string) {
  return readTree(directory, { attributes: false });
}
