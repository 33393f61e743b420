import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { Attempt } from '../../core/run/attempt-file.ts';
import type { VerifyWish } from '../../core/run/attempt-wishes.ts';
import type { JournalName } from '../../core/run/run-paths.ts';
import { readRunState } from '../../core/run/run-state.ts';
import { runFinish } from '../../workers/finish.ts';
import { runTask } from '../../workers/task.ts';
import type { TaskContext } from '../../workers/task-context.ts';
import { runVerifyTask } from '../../workers/verify-task.ts';
import { put } from '../helpers/damage.ts';
import { recorded } from '../helpers/delete-fixture.ts';
import { journalName } from '../helpers/run-fixture.ts';
import { keptLog, makeTask, type TaskFixture } from '../helpers/task-fixture.ts';
import { file, hardLinkTo, makeTree, sparseFile, type Tree } from '../helpers/tree.ts';

const MiB = 2 ** 20;
const proved: VerifyWish = { by: 'checksum', mends: true };
let task: TaskFixture;
afterEach(() => task.remove());

const options = (signal = new AbortController().signal) => ({
  log: keptLog().log,
  program: new URL('file:///not/used'),
  signal,
});

function contextOf(name: JournalName, more: Partial<Attempt>): TaskContext {
  const made = task.context(name);
  const inode = String(statSync(task.trees.destination, { bigint: true }).ino);
  return {
    ...made,
    job: '77',
    info: { ...made.info, destination: { ...made.info.destination, inode } },
    attempt: { ...made.attempt, arrays: [], verify: proved, ...more },
  };
}

/** Copies all shards, and finishes. */
async function copy(attempt = 1, more: Partial<Attempt> = {}): Promise<void> {
  for (const shard of task.plan.shards.keys())
    expect(await runTask(contextOf(journalName(shard, attempt), more), options())).toBe('complete');
  expect(await runFinish(contextOf(journalName('finish', attempt), more), options())).toBe(true);
}

/** Compares all shards for a comparison of their own, and says how each has ended. */
async function verify(attempt: number, wish: Partial<VerifyWish> = {}): Promise<string[]> {
  const reasons: string[] = [];
  for (const shard of task.plan.shards.keys()) {
    const phase = { phase: 'verify', verify: { ...proved, since: attempt, ...wish } } as const;
    reasons.push(await runVerifyTask(contextOf(journalName(shard, attempt), phase), options()));
  }
  return reasons;
}

const state = async () => (await readRunState(task.run.paths, task.plan)).verification;
const compared = async () => (await state()).compared;
const open = async () =>
  [...(await state()).differences()].map(({ kind, path, detail }) => `${kind} ${path} ${detail}`).sort();
const sidecars = () =>
  readdirSync(task.run.paths.journals)
    .filter((name) => name.endsWith('.digests'))
    .map((name) => `${task.run.paths.journals}/${name}`);
const at = (path: string) => `${task.trees.destination}/${path}`;
const from = (path: string) => `${task.trees.source}/${path}`;
const make = async (tree: Tree, shards = 1, partBytes?: number) => {
  task = await makeTask(({ source }) => makeTree(source, tree), shards, partBytes);
};

const small: Tree = { a: 'content of a', b: 'content of b', empty: '', sub: { c: 'c', l: hardLinkTo('a') } };
const smallBytes = 25;

describe('what is copied to be proved', () => {
  test('is compared by digests alone, whatever it is', async () => {
    await make({
      ...small,
      large: file(randomBytes(3 * MiB + 1)),
      sparse: sparseFile(9 * MiB, [[5 * MiB + 3, 'x']]),
      zeros: file(Buffer.alloc(200_000)),
    });
    await copy();
    expect(await verify(2)).toEqual(['complete']);
    const { bytes, hashed } = await compared();
    expect(bytes).toBe(smallBytes + 3 * MiB + 1 + 9 * MiB + 200_000);
    expect(hashed).toBe(bytes);
    expect(await recorded(task, 'note')).toEqual([]);
  });

  test('is read on both sides where the user asks for a comparison later', async () => {
    await make(small);
    await copy();
    await verify(2, { mends: false });
    expect(await compared()).toMatchObject({ bytes: smallBytes, hashed: 0 });
  });

  test('leaves nothing behind where it is not to be proved', async () => {
    await make(small);
    await copy(1, { verify: { by: 'size', mends: true } });
    expect(sidecars()).toEqual([]);
    await verify(2);
    expect(await compared()).toMatchObject({ bytes: smallBytes, hashed: 0 });
  });

  test('is found where it differs, mended, and known by its new digest', async () => {
    await make({ ...small, large: file(Buffer.alloc(3 * MiB + 1, 'large')) });
    await copy();
    put(at('a'), 3, 'X');
    put(at('large'), 2 * MiB + 7, 'XYZ');
    expect(await verify(2)).toEqual(['differences']);
    expect(await open()).toEqual(['content a from byte 3 on', 'content large from byte 2097159 on']);
    expect((await compared()).hashed).toBe(smallBytes - 'content of a'.length);
    writeFileSync(from('a'), 'another, and longer');
    await copy(3);
    expect(readFileSync(at('a'), 'utf8')).toBe('another, and longer');
    expect(await verify(4)).toEqual(['complete']);
    expect(await open()).toEqual([]);
    const { bytes, hashed } = await compared();
    expect(hashed).toBe(bytes);
  });

  test('is read on both sides where the source is of another version, and told where it differs', async () => {
    await make(small);
    await copy();
    for (const mode of [0o600, statSync(from('a')).mode]) chmodSync(from('a'), mode);
    put(from('b'), 0, 'X');
    expect(await verify(2)).toEqual(['differences']);
    expect(await open()).toEqual(['content b from byte 0 on']);
    expect(await compared()).toMatchObject({ bytes: smallBytes, hashed: 1 });
    expect(await recorded(task, 'note')).toEqual([]);
  });

  test('is not compared with what another file of the run has been', async () => {
    await make(small);
    await copy();
    for (const path of sidecars()) {
      const bytes = readFileSync(path);
      writeFileSync(path, Buffer.concat([bytes.subarray(0, 32), bytes.subarray(64), bytes.subarray(32, 64)]));
    }
    expect(await verify(2)).toEqual(['complete']);
    expect(await compared()).toMatchObject({ bytes: smallBytes, hashed: 0 });
    expect(await recorded(task, 'note')).toEqual([]);
  });

  test.each([
    ['torn', (path: string) => truncateSync(path, 32 * 2 + 7)],
    ['empty', (path: string) => truncateSync(path, 0)],
    ['gone', (path: string) => rmSync(path)],
  ])('is read on both sides where the file of digests is %s', async (_, harm) => {
    await make(small);
    await copy();
    for (const path of sidecars()) harm(path);
    put(at('b'), 2, 'X');
    expect(await verify(2)).toEqual(['differences']);
    expect(await open()).toEqual(['content b from byte 2 on']);
    const { bytes, hashed } = await compared();
    expect(bytes).toBe(smallBytes);
    expect(hashed).toBeLessThan(smallBytes / 2 + 1);
  });

  test('counts as the same, and is told, where both sides are and the digest is another', async () => {
    await make(small);
    await copy();
    for (const path of sidecars()) {
      const bytes = readFileSync(path);
      for (let slot = 32; slot < bytes.length; slot += 32)
        if (bytes.subarray(slot, slot + 32).some((byte) => byte !== 0)) bytes[slot + 31]! ^= 1;
      writeFileSync(path, bytes);
    }
    expect(await verify(2)).toEqual(['complete']);
    expect(await compared()).toMatchObject({ bytes: smallBytes, hashed: 0 });
    const notes = await recorded(task, 'note');
    expect(notes.reduce((sum, { entries }) => sum + entries, 0)).toBe(3);
    expect(notes[0]!.note).toBe('read otherwise for the copy, and now the same on both sides');
  });
});

describe('a large file that is copied to be proved', () => {
  const content = randomBytes(9 * MiB + 7);

  test('is hashed by all who have a part of it, and compared by parts', async () => {
    await make({ big: file(content), more: 'more' }, 4, MiB);
    expect(task.plan.shards.length).toBeGreaterThan(2);
    await copy();
    const parts = await recorded(task, 'part');
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.every(({ digest }) => digest !== undefined)).toBe(true);
    expect(new Set(await verify(2))).toEqual(new Set(['complete']));
    const { bytes, hashed } = await compared();
    expect({ bytes, hashed }).toEqual({ bytes: content.length + 4, hashed: content.length + 4 });
  });

  test('is read on both sides only where a part differs', async () => {
    await make({ big: file(content) }, 4, MiB);
    await copy();
    const at5 = 5 * MiB + 11;
    put(at('big'), at5, content[at5] === 88 ? 'Y' : 'X');
    await verify(2);
    expect(await open()).toEqual([`content big from byte ${at5} on`]);
    const part = (await recorded(task, 'part')).find(({ from: begin, to }) => begin <= at5 && to > at5)!;
    expect((await compared()).hashed).toBe(content.length - (Math.min(part.to, content.length) - part.from));
    writeFileSync(from('big'), Buffer.from(content).fill('n', 0, MiB));
    await copy(3);
    expect(new Set(await verify(4))).toEqual(new Set(['complete']));
    expect(sumOf(at('big'))).toBe(sumOf(from('big')));
    const { bytes, hashed } = await compared();
    expect(hashed).toBe(bytes);
  });

  test('of another version by then is compared with what it is', async () => {
    await make({ big: file(content) }, 4, MiB);
    await copy();
    chmodSync(from('big'), 0o600);
    chmodSync(from('big'), 0o644);
    expect(new Set(await verify(2))).toEqual(new Set(['complete']));
    expect(await compared()).toMatchObject({ bytes: content.length, hashed: 0 });
  });
});

describe('a worker that hashes and is ended', () => {
  test('leaves digests that its successor adds to', async () => {
    await make(Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`f${i}`, `content ${i}`])));
    const stop = new AbortController();
    const first = runTask(contextOf(journalName(0), {}), options(stop.signal));
    const watch = () =>
      readdirSync(task.trees.destination).length > 10 ? stop.abort() : void setImmediate(watch);
    watch();
    expect(await first).toBe('cut off');
    const { copied } = (await readRunState(task.run.paths, task.plan)).shards[0]!;
    expect(copied.entries).toBeGreaterThan(0);
    expect(copied.entries).toBeLessThan(900);
    expect(await runTask(contextOf(journalName(0, 1, 1), {}), options())).toBe('complete');
    expect(await runFinish(contextOf(journalName('finish'), {}), options())).toBe(true);
    expect(sidecars()).toHaveLength(2);
    expect(await verify(2)).toEqual(['complete']);
    const { bytes, hashed } = await compared();
    expect(hashed).toBe(bytes);
  });
});

function sumOf(path: string): string {
  return createHash('sha1').update(readFileSync(path)).digest('hex');
}
