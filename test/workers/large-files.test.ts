import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JournalRecord } from '../../core/run/journal-lines.ts';
import { accountOfRun, readRunState, shardsWithWorkLeft } from '../../core/run/run-state.ts';
import { PosixStorage } from '../../core/storage/posix/posix-storage.ts';
import { startEngine } from '../../workers/engine.ts';
import { largeFrom } from '../../workers/piece-size.ts';
import { Recorder } from '../../workers/recorder.ts';
import { ShardWork } from '../../workers/shard-work.ts';
import { faultyStorage } from '../helpers/faulty-storage.ts';
import { journalName, writeJournal } from '../helpers/run-fixture.ts';
import { requestFor } from '../helpers/storage-trees.ts';
import { keptLog, makeTask, type TaskFixture, withTape } from '../helpers/task-fixture.ts';
import { file, makeTree } from '../helpers/tree.ts';

const MiB = 2 ** 20;
const size = 5 * MiB + 3;
/** Under this limit, which is not kept to here, a piece has 1 MiB. */
const limits = { bytesPerSecond: 1 };
const content = Buffer.from(Uint32Array.from({ length: 2 * MiB }, (_, i) => i * 7919).buffer).subarray(
  0,
  size,
);

let task: TaskFixture;
/** The large file's. */
let ordinal = 0;
let temporary = '';
beforeEach(async () => {
  task = await makeTask(({ source }) => makeTree(source, { a: file(content), b: 'b', c: 'c' }));
  const names = withTape(task.run, (tape) => [...tape.between(0, 4)].map(({ path }) => path));
  ordinal = names.indexOf('a');
  temporary = `.bcopy.r1.${ordinal}.parts`;
});
afterEach(() => task.remove());

const source = () => `${task.trees.source}/a`;
const copy = () => `${task.trees.destination}/a`;
const atDestination = () => readdirSync(task.trees.destination).sort();

type Circumstances = {
  readonly attempt?: number;
  readonly faults?: ReadonlyMap<number, string>;
  /** Is told of each copy that is asked for, of an entry or a piece, counted from 1. */
  readonly onCopy?: (number: number) => void;
  readonly signal?: AbortSignal;
};

/** What the worker of an attempt does, and its journal. */
async function work({ attempt = 1, faults = new Map(), onCopy, signal }: Circumstances = {}) {
  const name = journalName(0, attempt);
  const made = task.context(name);
  const context = { ...made, attempt: { ...made.attempt, limits } };
  const writer = { run: 'r1', attempt, restart: 0, pid: 7 };
  const cleanUp = attempt > 1 ? { from: 0, to: 4 } : undefined;
  const request = requestFor(task.trees, { largeFrom: largeFrom(limits), writer, cleanUp });
  const { faulty, tried } = faultyStorage(new PosixStorage(request), {
    get: (number: number) => {
      onCopy?.(number);
      return faults.get(number);
    },
  } as ReadonlyMap<number, string>);
  const records: JournalRecord[] = [];
  const recorder = new Recorder({
    sync: () => faulty.sync(),
    append: async (some) => void records.push(...some),
    isSuperseded: async () => false,
    checkpointMs: 30_000,
  });
  const program = new URL('file:///not/used');
  const engine = startEngine({ first: 1, most: 1 }, faulty, request, program);
  const state = (await readRunState(task.run.paths, task.plan, 0)).shards[0]!;
  const { log, lines } = keptLog();
  const options = { program, log, signal: signal ?? new AbortController().signal };
  const reason = await new ShardWork({ context, state, storage: faulty, engine, recorder, options }).run();
  faulty.close();
  writeJournal(task.run.paths, name, records);
  const parts = records.flatMap((record) => (record.type === 'part' ? [[record.from, record.to]] : []));
  return { reason, tried, parts, lines };
}

async function account() {
  const state = await readRunState(task.run.paths, task.plan);
  const { copied, skipped, failed, vanished, left } = accountOfRun(task.plan, state);
  // What finish has to do: the directory
  return { copied, skipped, failed, vanished, left: { ...left, entries: left.entries - 1 } };
}
const none = { entries: 0, bytes: 0 };
const all = {
  copied: { entries: 3, bytes: size + 2 },
  skipped: none,
  failed: none,
  vanished: none,
  left: none,
};

function expectWhole(): void {
  expect(atDestination()).toEqual(['a', 'b', 'c']);
  expect(readFileSync(copy()).equals(readFileSync(source()))).toBe(true);
  expect(statSync(copy()).mtimeMs).toBe(statSync(source()).mtimeMs);
}

test('a large file is copied in pieces, and has its name when all are there', async () => {
  const seen: string[][] = [];
  const { reason, parts } = await work({ onCopy: () => seen.push(atDestination()) });
  expect(reason).toBe('complete');
  expect(parts).toEqual([0, 1, 2, 3, 4, 5].map((i) => [i * MiB, Math.min(size, (i + 1) * MiB)]));
  expect(seen.at(-1)).toEqual([temporary, 'b', 'c']);
  expectWhole();
  expect(await account()).toEqual(all);
});

test('small files do not wait for all of a large one', async () => {
  const { tried } = await work();
  expect(tried.slice(0, 3)).toEqual([1, 2, 3]);
});

test('its bytes count once, for the attempt that copied them', async () => {
  const stop = new AbortController();
  await work({ signal: stop.signal, onCopy: (number) => number === 7 && stop.abort() });
  await work({ attempt: 2 });
  const state = await readRunState(task.run.paths, task.plan);
  const bytes = state.shards[0]!.journals.map(({ copied }) => copied.bytes);
  expect(bytes).toEqual([4 * MiB + 2, MiB + 3]);
});

test('the next worker goes on where one was cut off, to the byte', async () => {
  const stop = new AbortController();
  const first = await work({ signal: stop.signal, onCopy: (number) => number === 5 && stop.abort() });
  expect([first.reason, first.parts.length]).toEqual(['cut off', 2]);
  expect(atDestination()).toEqual([temporary, 'b', 'c']);
  expect(shardsWithWorkLeft(task.plan, await readRunState(task.run.paths, task.plan))).toEqual([0]);
  expect((await account()).left).toEqual({ entries: 1, bytes: size });
  // As if it had been stopped within a piece
  const journal = task.run.paths.journal(journalName(0));
  const text = readFileSync(journal, 'utf8').replace(`"to":${2 * MiB}`, `"to":${2 * MiB - 100}`);
  rmSync(journal);
  appendFileSync(journal, text);
  const second = await work({ attempt: 2 });
  expect(second.parts).toEqual([
    [2 * MiB - 100, 2 * MiB],
    [2 * MiB, 3 * MiB],
    [3 * MiB, 4 * MiB],
    [4 * MiB, 5 * MiB],
    [5 * MiB, size],
  ]);
  expectWhole();
  expect(await account()).toEqual(all);
});

test('all pieces that were recorded are copied no more', async () => {
  const stop = new AbortController();
  await work({ signal: stop.signal, onCopy: (number) => number === 9 && stop.abort() });
  const { tried, reason } = await work({ attempt: 2 });
  expect([reason, tried]).toEqual(['complete', []]);
  expectWhole();
  expect(await account()).toEqual(all);
});

test('it begins anew when its temporary file is gone', async () => {
  const stop = new AbortController();
  await work({ signal: stop.signal, onCopy: (number) => number === 6 && stop.abort() });
  rmSync(`${task.trees.destination}/${temporary}`);
  expect((await work({ attempt: 2 })).parts).toHaveLength(6);
  expectWhole();
  expect(await account()).toEqual(all);
});

test('one that changed between two attempts is its new version, and no mixture', async () => {
  const stop = new AbortController();
  await work({ signal: stop.signal, onCopy: (number) => number === 8 && stop.abort() });
  // The new one has a hole where the old one had data
  truncateSync(source(), 0);
  truncateSync(source(), size);
  const fd = openSync(source(), 'r+');
  writeSync(fd, Buffer.alloc(4 * MiB, 'new'), 0, 4 * MiB, MiB);
  closeSync(fd);
  expect((await work({ attempt: 2 })).reason).toBe('complete');
  expectWhole();
  expect(await account()).toEqual(all);
});

test('one that changes while it is copied is copied again', async () => {
  const later = new Date(Date.now() + 5000);
  const { reason, parts } = await work({
    onCopy: (number) => number === 6 && utimesSync(source(), later, later),
  });
  expect([reason, parts.length]).toEqual(['complete', 12]);
  expectWhole();
  expect(await account()).toEqual(all);
});

test('one that never stops changing is a failure, and leaves nothing', async () => {
  let seconds = 0;
  const { reason, lines } = await work({ onCopy: () => utimesSync(source(), 1, ++seconds) });
  expect([reason, lines]).toEqual(['failures', ['a: failed: copy: changed while it was copied (CHANGED)']]);
  expect(atDestination()).toEqual(['b', 'c']);
  expect(await account()).toMatchObject({ failed: { entries: 1, bytes: size }, left: none });
});

test('one that vanishes half way leaves nothing, in whichever attempt', async () => {
  const stop = new AbortController();
  await work({ signal: stop.signal, onCopy: (number) => number === 6 && stop.abort() });
  expect(atDestination()).toContain(temporary);
  rmSync(source());
  expect((await work({ attempt: 2 })).reason).toBe('complete');
  expect(atDestination()).toEqual(['b', 'c']);
  expect(await account()).toMatchObject({ vanished: { entries: 1, bytes: size }, left: none });
});

test('one that vanishes between its pieces leaves nothing', async () => {
  const { reason, lines } = await work({ onCopy: (number) => number === 6 && rmSync(source()) });
  expect([reason, lines.length]).toEqual(['complete', 1]);
  expect(atDestination()).toEqual(['b', 'c']);
  expect(await account()).toMatchObject({ vanished: { entries: 1, bytes: size }, left: none });
});

test('one that fails is told once, and what is there of it stays where that helps', async () => {
  const faults = new Map(Array.from({ length: 60 }, (_, i) => [i + 5, 'EIO'] as const));
  const made = task.context;
  const impatient = { tries: 1 };
  task = {
    ...task,
    context: (name) => ({ ...made(name), attempt: { ...made(name).attempt, ...impatient } }),
  };
  const { reason, lines } = await work({ faults });
  expect([reason, lines.length]).toEqual(['failures', 1]);
  expect(atDestination()).toEqual([temporary, 'b', 'c']);
  expect(await account()).toMatchObject({ failed: { entries: 1, bytes: size }, left: none });
  expect((await work({ attempt: 2 })).parts).toHaveLength(5);
  expectWhole();
  expect(await account()).toEqual(all);
});

test('one that the destination has already is not copied', async () => {
  await work();
  rmSync(task.run.paths.journal(journalName(0)));
  const { tried, parts } = await work({ attempt: 2 });
  expect([tried, parts]).toEqual([[1, 2, 3], []]);
  expect(await account()).toEqual({ ...all, copied: none, skipped: all.copied });
});

test('what a killed worker left of one is gone when it comes some other way', async () => {
  const stop = new AbortController();
  await work({ signal: stop.signal, onCopy: (number) => number === 6 && stop.abort() });
  truncateSync(source(), 100);
  expect((await work({ attempt: 2 })).reason).toBe('complete');
  expect(existsSync(`${task.trees.destination}/${temporary}`)).toBe(false);
  expectWhole();
});
