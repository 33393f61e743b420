import { describe, expect, it, test } from 'vitest';
import type { Entry } from '../../core/model/entry.ts';
import type { DoneRange, EntryOutcome } from '../../core/model/outcome.ts';
import type { FinishedEntry, Storage } from '../../core/storage/storage.ts';
import type { Engine, FinishBatch } from '../../workers/engine.ts';
import { FinishCrew } from '../../workers/finish-crew.ts';
import { type AskedLink, completeTree } from '../../workers/finish-tree.ts';
import type { Recorder } from '../../workers/recorder.ts';
import { placed } from '../helpers/storage-trees.ts';

const entries: Entry[] = [
  { kind: 'directory', path: '' },
  { kind: 'file', name: 'a', bytes: 1 },
  { kind: 'directory', path: 'd' },
  { kind: 'link', name: 'b', first: 1 },
  { kind: 'directory', path: 'd/e' },
  { kind: 'file', name: 'c', bytes: 1 },
  { kind: 'directory', path: 'f' },
  { kind: 'link', name: 'g', first: 99 },
];

const failed = (ordinal: number): FinishedEntry => ({
  kind: 'outcome',
  outcome: { ordinal, path: '', bytes: 0, outcome: 'failed', cause: 'EIO', action: 'x' } as EntryOutcome,
});

/** Finishes these entries in blocks of three. */
async function finishAll(answer: (ordinal: number) => FinishedEntry, isLater = false) {
  const steps: number[][] = [];
  const ranges: DoneRange[] = [];
  const told: number[] = [];
  const tidied: string[] = [];
  const run = async (batch: FinishBatch) => {
    if (batch.length > 0) steps.push(batch.map(({ ordinal }) => ordinal));
    return batch.map(({ ordinal }) => answer(ordinal));
  };
  const recorder = {
    isDue: false,
    takeGroup: (group: { ranges: DoneRange[] }) => ranges.push(...group.ranges),
  };
  const all = placed(entries);
  const block = (from: number, to: number) => ({
    from,
    to,
    entries: all.slice(from, to).filter(({ entry: { kind } }) => kind === 'directory' || kind === 'link'),
  });
  await completeTree([block(6, all.length), block(3, 6), block(0, 3)], {
    crew: { run } as unknown as FinishCrew,
    recorder: recorder as unknown as Recorder,
    mustStop: () => false,
    believesScan: false,
    link: ({ ordinal, path }, first): AskedLink =>
      first === 99 ? undefined : { ordinal, path, firstPath: 'a' },
    tell: (finished) => told.push(finished.outcome.ordinal),
    isLater,
    removeLeftovers: (directory) => tidied.push(directory),
  });
  const spans = ranges
    .filter(({ from, to }) => from < to)
    .map(({ from, to, copied, skipped, linked }) => [
      from,
      to,
      copied.entries,
      skipped.entries,
      linked.entries,
    ]);
  return { steps, spans, told, tidied };
}

test('links come first, then directories, the deepest first, and what is of one depth at once', async () => {
  const { steps, spans } = await finishAll((ordinal) => ({ kind: ordinal === 3 ? 'linked' : 'copied' }));
  expect(steps).toEqual([[3], [4], [6, 2], [0]]);
  expect(spans).toEqual([[0, 8, 4, 0, 1]]);
});

test('what failed is in no range', async () => {
  const { spans, told } = await finishAll((ordinal) => (ordinal === 4 ? failed(4) : { kind: 'skipped' }));
  expect(spans).toEqual([
    [5, 8, 0, 1, 0],
    [0, 4, 0, 3, 0],
  ]);
  expect(told).toEqual([4]);
});

test('what was there already counts as done by this run in a later attempt', async () => {
  const { spans } = await finishAll(() => ({ kind: 'skipped' }), true);
  expect(spans).toEqual([[0, 8, 4, 0, 1]]);
});

test('a later finish looks for what an earlier one left where it has to make a link, and nowhere else', async () => {
  const made = (ordinal: number): FinishedEntry => ({ kind: ordinal === 3 ? 'linked' : 'copied' });
  expect((await finishAll(made, true)).tidied).toEqual(['d']);
  expect((await finishAll(made, false)).tidied).toEqual([]);
  expect((await finishAll(() => ({ kind: 'skipped' }), true)).tidied).toEqual([]);
});

/** A crew of a storage that takes so long for each; says how many threads it has started. */
function crewOf(ms: number, expected: number) {
  const started: number[] = [];
  let clock = 0;
  const wait = () => {
    clock += ms;
    return { kind: 'copied' as const };
  };
  const finish = async (batch: FinishBatch) => ({ finished: batch.map(wait), notes: new Map([['n', 1]]) });
  const notes: unknown[] = [];
  const crew = new FinishCrew({
    storage: { completeDirectory: wait } as unknown as Storage,
    startEngine: (threads) => {
      started.push(threads);
      return { finish, close: async () => undefined } as unknown as Engine;
    },
    takeNotes: (some) => notes.push(...some.keys()),
    patience: { retries: 2, minTimeoutMs: 1, growth: 1 },
    now: () => clock,
    expected,
    threads: 8,
  });
  const batch = Array.from({ length: 20 }, (_, ordinal) => ({ ordinal, path: String(ordinal) }));
  return { crew, batch, started, notes };
}

test('threads are started once, where work is slow and much of it is left', async () => {
  const { crew, batch, started, notes } = crewOf(5, 1000);
  expect(await crew.run(batch)).toHaveLength(20);
  expect(await crew.run(batch)).toHaveLength(20);
  expect(started).toEqual([8]);
  expect(notes).toHaveLength(4 + 5);
});

test.each([
  ['quick', 0, 100_000],
  ['little', 5, 20],
])('no thread is started for work that is %s', async (_, ms, expected) => {
  const { crew, batch, started } = crewOf(ms, expected);
  expect(await crew.run(batch)).toHaveLength(20);
  expect(started).toEqual([]);
});

/** A crew of a storage that is slow; directories that were looked at ahead take `msAfter`. */
function aheadCrew(msAfter: number) {
  const [looked, started]: [string[][], number[]] = [[], []];
  let clock = 0;
  const storage = {
    lookAhead: async (paths: readonly string[]) => void looked.push([...paths]),
    completeDirectory: (_: number, path: string): FinishedEntry => {
      clock += looked.flat().includes(path) ? msAfter : 5;
      return { kind: 'copied' };
    },
  } as unknown as Storage;
  const finish = async (batch: FinishBatch) => ({
    finished: batch.map(() => ({ kind: 'copied' as const })),
    notes: new Map(),
  });
  const crew = new FinishCrew({
    storage,
    startEngine: (threads) => {
      started.push(threads);
      return { finish, close: async () => undefined } as unknown as Engine;
    },
    takeNotes: () => undefined,
    patience: { retries: 0, minTimeoutMs: 1, growth: 1 },
    now: () => clock,
    expected: 1000,
    threads: 8,
  });
  const batch = Array.from({ length: 100 }, (_, ordinal) => ({ ordinal, path: String(ordinal) }));
  return { crew, batch, looked, started };
}

test('where a directory takes long, those after it are looked at ahead, some at once, and no thread is started', async () => {
  const { crew, batch, looked, started } = aheadCrew(0.2);
  expect(await crew.run(batch)).toHaveLength(100);
  expect(looked.map((paths) => paths.length)).toEqual([64, 35]);
  expect(looked.flat()).toEqual(batch.slice(1).map(({ path }) => path));
  expect(started).toEqual([]);
});

test('threads are started where directories take long though they were looked at', async () => {
  const { crew, batch, looked, started } = aheadCrew(5);
  expect(await crew.run(batch)).toHaveLength(100);
  expect(looked).toHaveLength(1);
  expect(started).toEqual([8]);
});

describe('what fails for a passing cause', () => {
  const failed = (cause: string, ordinal: number): FinishedEntry => ({
    kind: 'outcome',
    outcome: { ordinal, path: String(ordinal), bytes: 0, outcome: 'failed', cause, action: 'set times' },
  });

  /** A crew whose storage fails with the cause so often for each directory, and how often it was asked. */
  function failing(cause: string, times: number) {
    const asked = new Map<number, number>();
    const completeDirectory = (ordinal: number): FinishedEntry => {
      asked.set(ordinal, (asked.get(ordinal) ?? 0) + 1);
      return asked.get(ordinal)! > times ? { kind: 'copied' } : failed(cause, ordinal);
    };
    const crew = new FinishCrew({
      storage: { completeDirectory } as unknown as Storage,
      startEngine: () => {
        throw new Error('not wanted');
      },
      takeNotes: () => undefined,
      patience: { retries: 3, minTimeoutMs: 1, growth: 1 },
      expected: 1,
      threads: 1,
    });
    return { crew, asked };
  }

  const directories = (count: number) =>
    Array.from({ length: count }, (_, ordinal) => ({ ordinal, path: String(ordinal) }));

  it('is tried again until it passes', async () => {
    const { crew, asked } = failing('EIO', 2);
    expect(await crew.run(directories(2))).toEqual([{ kind: 'copied' }, { kind: 'copied' }]);
    expect([...asked.values()]).toEqual([3, 3]);
  });

  it('is told when it stays, and a storage that is dead is not waited for any more', async () => {
    const { crew, asked } = failing('EIO', 100);
    const finished = await crew.run(directories(40));
    expect(finished.every(({ kind }) => kind === 'outcome')).toBe(true);
    expect([...asked.values()].slice(0, 10)).toEqual(Array(10).fill(4));
    expect([...asked.values()].slice(10)).toEqual(Array(30).fill(1));
  });

  it('is not what a person has to mend', async () => {
    const { crew, asked } = failing('EACCES', 100);
    await crew.run(directories(1));
    expect(asked.get(0)).toBe(1);
  });
});
