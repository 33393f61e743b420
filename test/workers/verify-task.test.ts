import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { VerifyWish } from '../../core/run/attempt-wishes.ts';
import { accountOfRun, readRunState } from '../../core/run/run-state.ts';
import { PosixStorage } from '../../core/storage/posix/posix-storage.ts';
import { runTask } from '../../workers/task.ts';
import type { TaskContext } from '../../workers/task-context.ts';
import { runVerifyTask } from '../../workers/verify-task.ts';
import { put } from '../helpers/damage.ts';
import { makeCopied, recorded } from '../helpers/delete-fixture.ts';
import { done, journalName, writeJournal } from '../helpers/run-fixture.ts';
import { filesGroup, requestFor, sumOf } from '../helpers/storage-trees.ts';
import { keptLog, type TaskFixture } from '../helpers/task-fixture.ts';

let task: TaskFixture;
afterEach(() => task.remove());

const source = { a: 'content of a', b: 'content of b', sub: { c: 'c', deep: { d: 'd' } } };
const entries = 7;

/** A run whose journals say that all was copied. */
async function makeRecorded(tree: Parameters<typeof makeCopied>[0] = source, count = entries): Promise<void> {
  task = await makeCopied(tree, {});
  const { paths } = task.run;
  writeJournal(paths, journalName(0), [done(0, count, { copied: { entries: 4, bytes: 26 } })]);
  writeJournal(paths, journalName('finish'), [done(0, count, { copied: { entries: 3, bytes: 0 } })]);
}

function contextOf(
  attempt: number,
  wish: Partial<VerifyWish> = {},
  { restart = 0, info = {} }: { restart?: number; info?: Partial<TaskContext['info']> } = {},
): TaskContext {
  const made = task.context(journalName(0, attempt, restart));
  const inode = String(statSync(task.trees.destination, { bigint: true }).ino);
  return {
    ...made,
    info: { ...made.info, destination: { ...made.info.destination, inode }, ...info },
    attempt: { ...made.attempt, phase: 'verify', verify: { by: 'checksum', since: 2, ...wish } },
  };
}

const options = (signal = new AbortController().signal) => ({
  log: keptLog().log,
  program: new URL('file:///not/used'),
  signal,
});

const verify = (...asked: Parameters<typeof contextOf>) => runVerifyTask(contextOf(...asked), options());

const told = async () => (await recorded(task, 'differs')).map(({ kind, path }) => `${kind} ${path}`).sort();

const at = (path: string) => `${task.trees.destination}/${path}`;

describe('a task that compares', () => {
  test('records all that it has compared when nothing differs', async () => {
    await makeRecorded();
    expect(await verify(2)).toBe('complete');
    expect(await told()).toEqual([]);
    const lines = await recorded(task, 'verified');
    expect(lines).toEqual([{ type: 'verified', from: 0, to: entries, entries, bytes: 26 }]);
  });

  test('tells what differs, and nothing that is not recorded', async () => {
    await makeRecorded();
    put(at('a'), 3, 'X');
    chmodSync(at('b'), 0o600);
    rmSync(at('sub/deep'), { recursive: true });
    writeFileSync(at('sub/more'), '');
    expect(await verify(2, { keep: ['mode'] })).toBe('differences');
    expect(await told()).toEqual(['content a', 'missing sub/deep', 'missing sub/deep/d', 'mode b']);
  });

  test('tells what only the destination has where that is wanted', async () => {
    await makeRecorded();
    mkdirSync(at('sub/old'));
    writeFileSync(at('sub/old/f'), '');
    expect(await verify(2, { keep: ['mode'], extras: true })).toBe('differences');
    expect(await told()).toEqual(['extra sub/old']);
    const [line] = await recorded(task, 'differs');
    expect(line).toMatchObject({ detail: 'directory, 2 entries' });
  });

  test('takes what has gone from the source for no difference, unless that is wanted', async () => {
    await makeRecorded();
    rmSync(`${task.trees.source}/a`);
    rmSync(`${task.trees.source}/sub/deep`, { recursive: true });
    expect(await verify(2, { keep: ['mode'] })).toBe('complete');
    expect(await verify(3, { keep: ['mode'], since: 3, extras: true })).toBe('differences');
    expect(await told()).toEqual(['extra a', 'extra sub/deep', 'extra sub/deep/d']);
    expect(await runTask(task.context(journalName(0, 4)), options())).toBe('complete');
    const { verification } = await readRunState(task.run.paths, task.plan);
    // The directory is finish's
    expect([...verification.differences()].map(({ path }) => path)).toEqual(['sub/deep']);
  });

  test('leaves out what an earlier worker has compared for the same comparison', async () => {
    await makeRecorded();
    put(at('a'), 3, 'X');
    await verify(2);
    put(at('b'), 3, 'X');
    // What was found is still there
    expect(await verify(2, {}, { restart: 1 })).toBe('differences');
    expect(await told()).toEqual(['content a']);
    expect(await verify(3, { since: 3 })).toBe('differences');
    expect(await told()).toEqual(['content a', 'content a', 'content b']);
  });

  test('records nothing more when a newer worker has the shard', async () => {
    await makeRecorded();
    writeJournal(task.run.paths, journalName(0, 2, 1), []);
    expect(await verify(2)).toBe('superseded');
    expect(await recorded(task, 'verified')).toEqual([]);
  });

  test('begins nothing more when it is told to stop', async () => {
    await makeRecorded();
    expect(await runVerifyTask(contextOf(2), options(AbortSignal.abort()))).toBe('cut off');
    expect(await recorded(task, 'verified')).toEqual([]);
    expect(await verify(2, {}, { restart: 1 })).toBe('complete');
  });

  test('records as skipped what nobody has copied and is as it should be', async () => {
    task = await makeCopied(source, {});
    put(at('a'), 3, 'X');
    expect(await verify(1, { since: 1 }, { info: { purpose: 'verify' } })).toBe('differences');
    const state = await readRunState(task.run.paths, task.plan);
    expect(accountOfRun(task.plan, state).skipped).toEqual({ entries: 3, bytes: 14 });
    expect(await told()).toEqual(['content a']);
  });

  test('does not follow what leads out of the destination', async () => {
    await makeRecorded();
    const outside = `${task.trees.top}/outside`;
    renameSync(at('sub'), outside);
    symlinkSync(outside, at('sub'));
    expect(await verify(2, { keep: [] })).toBe('differences');
    expect(await told()).toEqual(['missing sub/c', 'missing sub/deep', 'missing sub/deep/d', 'type sub']);
  });

  test('does not begin where the source is not what was scanned', async () => {
    await makeRecorded();
    renameSync(task.trees.source, `${task.trees.top}/away`);
    mkdirSync(task.trees.source);
    await expect(verify(2)).rejects.toThrow(/cannot open the source/);
  });
});

describe('what was found to differ', () => {
  test('is copied again by the next task, and nothing else is', async () => {
    await makeRecorded();
    const before = statSync(at('b')).ino;
    put(at('a'), 3, 'X');
    rmSync(at('sub/c'));
    await verify(2, { keep: ['mode'] });
    const context = task.context(journalName(0, 3));
    expect(await runTask(context, options())).toBe('complete');
    expect(readFileSync(at('a'), 'utf8')).toBe(source.a);
    expect(readFileSync(at('sub/c'), 'utf8')).toBe('c');
    expect(statSync(at('b')).ino).toBe(before);
    const copies = (await recorded(task, 'done')).slice(-2).map(({ copied }) => copied.entries);
    expect(copies).toEqual([1, 1]);
    expect(await verify(4, { keep: ['mode'] })).toBe('complete');
    expect((await recorded(task, 'verified')).slice(-2)).toMatchObject([{ entries: 1 }, { entries: 1 }]);
  });

  test('is a file of its own afterwards, where it was the name of another', async () => {
    await makeRecorded({ a: 'same', b: 'same' }, 3);
    rmSync(at('b'));
    linkSync(at('a'), at('b'));
    const files = filesGroup(['a', 'b'], 4);
    const storage = new PosixStorage(requestFor(task.trees, { forced: new Set([files.from + 1]) }));
    const outcome = storage.copyGroup(files);
    storage.close();
    expect(sumOf(outcome, 'copied').entries).toBe(1);
    expect(statSync(at('a')).nlink).toBe(1);
    expect(statSync(at('b')).ino).not.toBe(statSync(at('a')).ino);
  });
});
