import { existsSync, readdirSync, rmSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { DoneRange } from '../../core/model/outcome.ts';
import type { JournalRecord } from '../../core/run/journal-lines.ts';
import { readRunState } from '../../core/run/run-state.ts';
import { PosixStorage } from '../../core/storage/posix/posix-storage.ts';
import { type Engine, startEngine } from '../../workers/engine.ts';
import { Recorder } from '../../workers/recorder.ts';
import { ShardWork } from '../../workers/shard-work.ts';
import { faultyStorage } from '../helpers/faulty-storage.ts';
import { done, journalName, writeJournal } from '../helpers/run-fixture.ts';
import { requestFor } from '../helpers/storage-trees.ts';
import { keptLog, makeTask, type TaskFixture } from '../helpers/task-fixture.ts';
import { file, makeTree, readTree, type Tree } from '../helpers/tree.ts';

const MiB = 2 ** 20;
/** Ordinal 0 is the directory itself; the files follow in the scan's order. */
const tenFiles: Tree = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`f${i}`, `${i}`]));

let task: TaskFixture;
afterEach(() => task.remove());

type Circumstances = {
  readonly faults?: ReadonlyMap<number, string>;
  readonly shard?: number;
  readonly isSuperseded?: boolean;
  readonly isStopped?: boolean;
  readonly tries?: number | undefined;
  /** What a look is to find left of entries `[from, to)`; left out: nobody looks. */
  readonly look?: (from: number, to: number) => number[];
};

/** Does one shard's work with a storage that has faults. */
async function work({
  faults = new Map(),
  shard = 0,
  isSuperseded = false,
  isStopped = false,
  tries,
  look,
}: Circumstances) {
  const made = task.context(journalName(shard));
  const context = { ...made, attempt: { ...made.attempt, tries } };
  const request = requestFor(task.trees);
  const { faulty, tried } = faultyStorage(new PosixStorage(request), faults);
  const records: JournalRecord[] = [];
  const recorder = new Recorder({
    sync: () => faulty.sync(),
    append: async (some) => void records.push(...some),
    isSuperseded: async () => isSuperseded,
    checkpointMs: 30_000,
  });
  const program = new URL('file:///not/used');
  const inline = startEngine({ first: 1, most: 1 }, faulty, request, program);
  const engine = look === undefined ? inline : lookingWith(inline, look);
  const state = (await readRunState(task.run.paths, task.plan, shard)).shards[shard]!;
  const { log, lines } = keptLog();
  const signal = isStopped ? AbortSignal.abort() : new AbortController().signal;
  const options = { program, log, signal };
  const reason = await new ShardWork({
    ...{ context, state, storage: faulty, engine, recorder, options },
    looks: look !== undefined,
  }).run();
  faulty.close();
  return { reason, records, tried, lines };
}

/** The engine, which finds all the same that a look does not leave. */
function lookingWith(engine: Engine, look: (from: number, to: number) => number[]): Engine {
  const rangesBetween = (left: readonly number[], from: number, to: number) =>
    [...left, to].flatMap((end, i): DoneRange[] => {
      const begin = i === 0 ? from : left[i - 1]! + 1;
      const skipped = { entries: end - begin, bytes: end - begin };
      return begin < end ? [{ from: begin, to: end, copied: tally, skipped, linked: tally }] : [];
    });
  return {
    threads: engine.threads,
    appetite: 2,
    msPerEntry: undefined,
    copyGroup: (group) => engine.copyGroup(group),
    copyPart: (part) => engine.copyPart(part),
    finish: (batch) => engine.finish(batch),
    look: async ({ from, to }) => {
      const left = look(from, to);
      return { left, ranges: rangesBetween(left, from, to) };
    },
    stop: () => engine.stop(),
    close: () => engine.close(),
  };
}
const tally = { entries: 0, bytes: 0 };

const makeFiles = async () => {
  task = await makeTask(({ source }) => makeTree(source, tenFiles));
};
const readAndWritten = (files: number) => ({ type: 'way', way: 'read/write', files });
const ofType = <T extends JournalRecord['type']>(records: readonly JournalRecord[], type: T) =>
  records.filter((record): record is Extract<JournalRecord, { type: T }> => record.type === type);
const copiedIn = (records: readonly JournalRecord[]) =>
  ofType(records, 'done').reduce((sum, { copied }) => sum + copied.entries, 0);

describe('the work on a shard', () => {
  test('is complete when all is copied, in one record', async () => {
    await makeFiles();
    const { reason, records, lines } = await work({});
    expect(reason).toBe('complete');
    expect(records).toEqual([done(0, 11, { copied: { entries: 10, bytes: 10 } }), readAndWritten(10)]);
    expect(lines).toEqual([]);
    const contents = { attributes: false };
    expect(await readTree(task.trees.destination, contents)).toEqual(
      await readTree(task.trees.source, contents),
    );
  });

  test('is to copy only what looks leave, in groups that leave the others out', async () => {
    await makeFiles();
    const asked: number[] = [];
    const look = (from: number, to: number) => {
      for (let ordinal = from; ordinal < to; ordinal++) asked.push(ordinal);
      return [2, 5, 6, 9].filter((ordinal) => from <= ordinal && ordinal < to);
    };
    const { reason, records, tried } = await work({ look });
    expect(reason).toBe('complete');
    expect(asked.sort((a, b) => a - b)).toEqual(Array.from({ length: 11 }, (_, i) => i));
    expect(tried.sort()).toEqual([2, 5, 6, 9]);
    const of = { copied: { entries: 4, bytes: 4 }, skipped: { entries: 7, bytes: 7 } };
    expect(records).toEqual([done(0, 11, of), readAndWritten(4)]);
    expect(readdirSync(task.trees.destination)).toHaveLength(4);
  });

  test('is done without looks for a while where one was in vain', async () => {
    await makeFiles();
    const asked: number[] = [];
    const look = (from: number, to: number) => {
      const all = Array.from({ length: to - from }, (_, i) => from + i);
      asked.push(...all);
      return all.filter((ordinal) => ordinal > 0);
    };
    const { reason, records, tried } = await work({ look });
    expect(reason).toBe('complete');
    expect(asked).not.toContain(10);
    expect(tried.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(copiedIn(records)).toBe(10);
  });

  test('tries again what a look has left and a passing fault has met', async () => {
    await makeFiles();
    const look = (from: number, to: number) => [3, 7].filter((ordinal) => from <= ordinal && ordinal < to);
    const { reason, tried } = await work({ look, faults: new Map([[1, 'EIO']]) });
    expect(reason).toBe('complete');
    expect(tried.sort()).toEqual([3, 3, 7]);
  });

  test('looks at nothing more once it is told to stop', async () => {
    await makeFiles();
    const { reason, tried } = await work({ look: (from) => [from], isStopped: true });
    expect(reason).toBe('cut off');
    expect(tried).toEqual([]);
  });

  test.each(['EIO', 'ESTALE', 'EBUSY'])(
    'tries an entry again after %s, and says nothing of it',
    async (cause) => {
      await makeFiles();
      const { reason, records, tried, lines } = await work({ faults: new Map([[4, cause]]) });
      expect(reason).toBe('complete');
      expect(records).toEqual([done(0, 11, { copied: { entries: 10, bytes: 10 } }), readAndWritten(10)]);
      expect(tried.filter((ordinal) => ordinal === 4)).toHaveLength(2);
      expect(lines).toEqual([]);
      expect(readdirSync(task.trees.destination)).toHaveLength(10);
    },
  );

  test.each([
    [undefined, 4],
    [1, 1],
    [2, 2],
  ])('with %s tries gives a fault up after %d that does not pass', async (tries, wanted) => {
    await makeFiles();
    const faults = new Map([4, 11, 12, 13].map((number) => [number, 'EIO']));
    const { reason, records, tried } = await work({ faults, tries });
    expect(reason).toBe('failures');
    expect(tried.filter((ordinal) => ordinal === 4)).toHaveLength(wanted);
    expect(ofType(records, 'entry')).toMatchObject([{ ordinal: 4, outcome: 'failed', cause: 'EIO' }]);
    expect(copiedIn(records)).toBe(9);
  });

  test('does other work while an entry waits for its next try', async () => {
    await makeFiles();
    const { tried } = await work({ faults: new Map([[4, 'EIO']]) });
    expect(tried).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 4]);
  });

  test('lets entries wait together for their next try', async () => {
    const many = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`f${i}`, '']));
    task = await makeTask(({ source }) => makeTree(source, many));
    const faults = new Map(Array.from({ length: 2400 }, (_, i) => [i + 1, 'EIO'] as const));
    const { reason, records, tried } = await work({ faults, tries: 2 });
    expect([reason, tried.length]).toEqual(['failures', 2400]);
    expect(ofType(records, 'entry')).toHaveLength(1200);
    expect(copiedIn(records)).toBe(0);
  });

  test('goes on after a failure that is for a person', async () => {
    await makeFiles();
    const { reason, records, tried, lines } = await work({ faults: new Map([[4, 'EACCES']]) });
    expect(reason).toBe('failures');
    expect(tried).toHaveLength(10);
    expect(ofType(records, 'done').map(({ from, to }) => [from, to])).toEqual([
      [0, 4],
      [5, 11],
    ]);
    expect(lines).toEqual([
      expect.stringMatching(/^f\d: failed: open source: permission denied \(EACCES\)$/),
    ]);
  });

  test.each(['ENOSPC', 'EDQUOT', 'EROFS'])('ends at %s, and records what was done before', async (cause) => {
    await makeFiles();
    const { reason, records, tried, lines } = await work({ faults: new Map([[4, cause]]) });
    expect(reason).toBe('hopeless');
    expect(lines).toEqual([
      expect.stringMatching(`^.* \\(${cause}\\); the rest of this shard was not tried$`),
    ]);
    expect(tried).toEqual([1, 2, 3, 4]);
    expect(ofType(records, 'done')).toEqual([done(0, 4, { copied: { entries: 3, bytes: 3 } })]);
    expect(ofType(records, 'entry')).toMatchObject([{ ordinal: 4, outcome: 'failed', cause }]);
  });

  test('is complete without what vanished', async () => {
    await makeFiles();
    const { reason, records } = await work({ faults: new Map([[4, 'ENOENT']]) });
    expect(reason).toBe('complete');
    expect(ofType(records, 'entry')).toMatchObject([{ ordinal: 4, outcome: 'vanished' }]);
    expect(copiedIn(records)).toBe(9);
  });

  test('passes over what earlier workers recorded', async () => {
    await makeFiles();
    writeJournal(task.run.paths, journalName(0, 1), [done(0, 6, { copied: { entries: 5, bytes: 5 } })]);
    const { tried, records } = await work({});
    expect(tried).toEqual([6, 7, 8, 9, 10]);
    expect(records).toEqual([done(6, 11, { copied: { entries: 5, bytes: 5 } }), readAndWritten(5)]);
  });

  test('takes nothing up once it is told to stop', async () => {
    await makeFiles();
    const { reason, tried } = await work({ isStopped: true });
    expect([reason, tried]).toEqual(['cut off', []]);
  });

  test('records nothing when a newer worker has the shard', async () => {
    await makeFiles();
    const { reason, records } = await work({ isSuperseded: true });
    expect([reason, records]).toEqual(['superseded', []]);
  });
});

describe('the work on parts', () => {
  const size = 6 * MiB;
  const makeBig = async () => {
    const big = { big: file(Buffer.alloc(size, 'big')) };
    task = await makeTask(({ source }) => makeTree(source, big), 2, MiB);
    expect(task.plan.shards.map(({ start, end }) => [start.byte, end.byte])).toEqual([
      [0, 3 * MiB],
      [3 * MiB, 0],
    ]);
  };

  test('tries a part again after a passing fault', async () => {
    await makeBig();
    const { reason, records, tried } = await work({ faults: new Map([[1, 'EIO']]), shard: 1 });
    expect([reason, tried]).toEqual(['complete', [1, 1]]);
    expect(ofType(records, 'part')).toMatchObject([{ ordinal: 1, from: 3 * MiB, to: size, same: false }]);
  });

  test('ends when no more can be written', async () => {
    await makeBig();
    const { reason, records } = await work({ faults: new Map([[1, 'ENOSPC']]) });
    expect(reason).toBe('hopeless');
    expect(ofType(records, 'part')).toEqual([]);
  });

  test('copies a part that was recorded again only when its bytes are gone', async () => {
    await makeBig();
    const first = await work({ shard: 1 });
    writeJournal(task.run.paths, journalName(1, 1), first.records);
    expect((await work({ shard: 1 })).tried).toEqual([]);
    const [temporary] = readdirSync(task.trees.destination);
    rmSync(`${task.trees.destination}/${temporary}`);
    expect((await work({ shard: 1 })).tried).toEqual([1]);
    expect(existsSync(`${task.trees.destination}/${temporary}`)).toBe(true);
  });
});
