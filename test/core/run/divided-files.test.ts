import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isComplete } from '../../../core/model/account.ts';
import type { Entry } from '../../../core/model/entry.ts';
import { type Plan, partsOf } from '../../../core/model/plan.ts';
import type { JournalLine } from '../../../core/run/journal-lines.ts';
import type { JournalName } from '../../../core/run/run-paths.ts';
import { accountOfRun, partsOfFile, readRunState, shardsWithWorkLeft } from '../../../core/run/run-state.ts';
import {
  done,
  failed,
  journalName,
  makeRun,
  planRun,
  type RunFixture,
  vanished,
  writeJournal,
} from '../../helpers/run-fixture.ts';

const MiB = 2 ** 20;
const size = 9 * MiB + 5;
/** One file, divided among three shards; the directory before it lies in the first. */
const entries: Entry[] = [
  { kind: 'directory', path: '' },
  { kind: 'file', name: 'big', bytes: size },
];
const version = (number: number) => `${size}:${number}.0:${number}.0:77`;

let run: RunFixture;
let plan: Plan;
beforeEach(() => {
  run = makeRun(entries);
  plan = planRun(run.paths, entries, 3, MiB);
});
afterEach(() => run.remove());

const tally = (count: number, bytes: number) => ({ entries: count, bytes });
const directory = done(0, 1, {});
const finished = done(0, 2, { copied: tally(1, 0) });
const file: JournalLine = { type: 'file', ordinal: 1, outcome: 'copied', bytes: size };

/** The record of a shard's part, of a version of the source, in a temporary file. */
function part(shard: number, number = 1, temporary = '500', same = false): JournalLine {
  const { ordinal, from, to } = partsOf(plan.shards[shard]!)[0]!;
  return { type: 'part', ordinal, from, to: to ?? size, version: version(number), temporary, same };
}

async function stateOf(...journals: [JournalName, ...JournalLine[]][]) {
  for (const [name, ...lines] of journals) writeJournal(run.paths, name, lines);
  const state = await readRunState(run.paths, plan);
  return { state, account: accountOfRun(plan, state), left: shardsWithWorkLeft(plan, state) };
}

describe('a divided file', () => {
  test('is in three shards here', () => {
    expect(plan.shards.map((shard) => partsOf(shard).length)).toEqual([1, 1, 1]);
    expect(plan.shards.map((shard) => shard.entries)).toEqual([1, 0, 0]);
  });

  test('leaves no work once all its parts are recorded; finish gives it its name', async () => {
    const { left, account, state } = await stateOf(
      [journalName(0), directory, part(0)],
      [journalName(1), part(1)],
      [journalName(2), part(2)],
    );
    expect(left).toEqual([]);
    expect(account.left).toEqual(tally(2, size));
    expect(partsOfFile(state, [0, 1, 2], 1)).toHaveLength(3);
  });

  test('is counted once, by finish', async () => {
    const { account, left } = await stateOf(
      [journalName(0), directory, part(0)],
      [journalName(1), part(1)],
      [journalName(2), part(2)],
      [journalName('finish'), file, finished],
      [journalName('finish', 2), file, finished],
    );
    expect(account).toMatchObject({ copied: tally(2, size), left: tally(0, 0) });
    expect(isComplete(account)).toBe(true);
    expect(left).toEqual([]);
  });

  test('leaves work for all its shards while a part is missing', async () => {
    const { left } = await stateOf([journalName(0), directory, part(0)], [journalName(2), part(2)]);
    expect(left).toEqual([0, 1, 2]);
  });

  test('leaves work for a shard that has a piece of its part only', async () => {
    const whole = part(1) as Extract<JournalLine, { type: 'part' }>;
    const { left } = await stateOf(
      [journalName(0), directory, part(0)],
      [journalName(1), { ...whole, to: whole.to - 1 }],
      [journalName(2), part(2)],
    );
    expect(left).toEqual([1]);
  });

  test('leaves work for all its shards when its parts are of two versions', async () => {
    const { left } = await stateOf(
      [journalName(0), directory, part(0, 1)],
      [journalName(1), part(1, 1)],
      [journalName(2), part(2, 2)],
    );
    expect(left).toEqual([0, 1, 2]);
  });

  test('leaves work for all its shards when its parts went into two temporary files', async () => {
    const { left } = await stateOf(
      [journalName(0), directory, part(0, 1, '500')],
      [journalName(1), part(1, 1, '501')],
      [journalName(2), part(2, 1, '501')],
    );
    expect(left).toEqual([0, 1, 2]);
  });

  test('leaves work for a shard whose pieces went into two temporary files', async () => {
    const whole = part(1) as Extract<JournalLine, { type: 'part' }>;
    const middle = whole.from + MiB;
    const { left } = await stateOf(
      [journalName(0), directory, part(0, 1, '501')],
      [journalName(1), { ...whole, to: middle }, { ...whole, from: middle, temporary: '501' }],
      [journalName(2), part(2, 1, '501')],
    );
    expect(left).toEqual([1]);
  });

  test('leaves no work when its parts were copied anew in one version', async () => {
    const { left } = await stateOf(
      [journalName(0), directory, part(0, 1)],
      [journalName(1), part(1, 2)],
      [journalName(2), part(2, 2)],
      [journalName(0, 2), part(0, 2)],
    );
    expect(left).toEqual([]);
  });

  test('leaves work for all its shards when finish refused it', async () => {
    const { left, account } = await stateOf(
      [journalName(0), directory, part(0)],
      [journalName(1), part(1)],
      [journalName(2), part(2)],
      [journalName('finish'), done(0, 1, { copied: tally(1, 0) }), failed(1, size, 'CHANGED')],
    );
    expect(left).toEqual([0, 1, 2]);
    expect(account).toMatchObject({ failed: tally(1, size), left: tally(0, 0) });
  });

  test('stays refused when the range of finish passes over it', async () => {
    const { left, account } = await stateOf(
      [journalName(0), directory, part(0)],
      [journalName(1), part(1)],
      [journalName(2), part(2)],
      [journalName('finish'), finished, failed(1, size, 'CHANGED')],
    );
    expect(left).toEqual([0, 1, 2]);
    expect(account).toMatchObject({ failed: tally(1, size), left: tally(0, 0) });
  });

  test('that one worker found gone is gone for all, whatever happened to another', async () => {
    const { left, account } = await stateOf(
      [journalName(0), directory, failed(1, size, 'EIO')],
      [journalName(1), vanished(1, size)],
      [journalName('finish'), finished],
    );
    expect(left).toEqual([]);
    expect(account).toMatchObject({ vanished: tally(1, size), failed: tally(0, 0), left: tally(0, 0) });
  });

  test('that finish found gone leaves no work', async () => {
    const { left, account } = await stateOf(
      [journalName(0), directory, part(0)],
      [journalName(1), part(1)],
      [journalName(2), part(2)],
      [journalName('finish'), finished, vanished(1, size)],
    );
    expect(left).toEqual([]);
    expect(account).toMatchObject({ vanished: tally(1, size), left: tally(0, 0) });
  });

  test('that failed for two workers has failed once', async () => {
    const { account } = await stateOf(
      [journalName(0), directory, failed(1, size)],
      [journalName(1), failed(1, size)],
      [journalName('finish'), done(0, 1, { copied: tally(1, 0) })],
    );
    expect(account).toMatchObject({ failed: tally(1, size), left: tally(0, 0) });
  });

  test('that vanished leaves no work and closes the account', async () => {
    const { left, account } = await stateOf(
      [journalName(0), directory, part(0)],
      [journalName(1), vanished(1, size)],
      [journalName(2), vanished(1, size)],
      [journalName('finish'), finished],
    );
    expect(left).toEqual([]);
    expect(account).toMatchObject({ vanished: tally(1, size), left: tally(0, 0) });
  });

  test('that was at the destination already is counted as skipped', async () => {
    const { account, left } = await stateOf(
      [journalName(0), directory, part(0, 1, '', true)],
      [journalName(1), part(1, 1, '', true)],
      [journalName(2), part(2, 1, '', true)],
      [journalName('finish'), { ...file, outcome: 'skipped' } as JournalLine, finished],
    );
    expect(account).toMatchObject({ skipped: tally(1, size), copied: tally(1, 0), left: tally(0, 0) });
    expect(left).toEqual([]);
  });
});
