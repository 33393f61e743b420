import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Account, isComplete } from '../../../core/model/account.ts';
import type { Entry } from '../../../core/model/entry.ts';
import type { Plan } from '../../../core/model/plan.ts';
import type { JournalLine } from '../../../core/run/journal-lines.ts';
import type { JournalName } from '../../../core/run/run-paths.ts';
import { accountOfRun, outcomesOf, readRunState, shardsWithWorkLeft } from '../../../core/run/run-state.ts';
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

/** Ten files of 1, 2, 4 ... bytes below the source, so that every sum tells which they are; then a further name. */
const entries: Entry[] = [
  { kind: 'directory', path: '' },
  ...Array.from({ length: 10 }, (_, i): Entry => ({ kind: 'file', name: `e${i + 1}`, bytes: 2 ** i })),
  { kind: 'link', name: 'l', first: 1 },
];
const all = 1023;

let run: RunFixture;
let plan: Plan;
beforeEach(() => {
  run = makeRun(entries);
  plan = planRun(run.paths, entries, 1);
});
afterEach(() => run.remove());

const tally = (count: number, bytes: number) => ({ entries: count, bytes });
const none = tally(0, 0);
const everything = done(0, 12, { copied: tally(10, all) });
/** The directory and the further name, as finish has them when all went well. */
const finished = done(0, 12, { copied: tally(1, 0), linked: tally(1, 0) });

async function stateOf(...journals: [JournalName, ...JournalLine[]][]) {
  for (const [name, ...lines] of journals) writeJournal(run.paths, name, lines);
  const state = await readRunState(run.paths, plan);
  return { state, account: accountOfRun(plan, state), left: shardsWithWorkLeft(plan, state) };
}

/** Planned less all outcomes, counted here once more. */
function restOf({ planned, copied, skipped, linked, failed, vanished }: Account) {
  const rest = tally(planned.entries, planned.bytes);
  for (const part of [copied, skipped, linked, failed, vanished]) {
    rest.entries -= part.entries;
    rest.bytes -= part.bytes;
  }
  return rest;
}

describe('the account of a run', () => {
  test('has everything left before anybody began', async () => {
    const { account, left } = await stateOf();
    expect(account.left).toEqual(tally(12, all));
    expect(left).toEqual([0]);
  });

  test('closes when the worker and finish have done all', async () => {
    const { account, left } = await stateOf([journalName(0), everything], [journalName('finish'), finished]);
    expect(account).toMatchObject({ copied: tally(11, all), linked: tally(1, 0), failed: none, left: none });
    expect(isComplete(account)).toBe(true);
    expect(left).toEqual([]);
  });

  test('has left what a killed worker did not record', async () => {
    const { account, left } = await stateOf([journalName(0), done(0, 6, { copied: tally(5, 31) })]);
    expect(account).toMatchObject({ copied: tally(5, 31), left: tally(7, all - 31) });
    expect(left).toEqual([0]);
  });

  test('counts a file that failed and was done later as done', async () => {
    const first = [
      done(0, 3, { copied: tally(2, 3) }),
      done(4, 12, { copied: tally(7, all - 7) }),
      failed(3, 4),
    ];
    const { account, left, state } = await stateOf(
      [journalName(0), ...first],
      [journalName(0, 2), done(3, 4, { copied: tally(1, 4) })],
      [journalName('finish', 2), finished],
    );
    expect(account).toMatchObject({ copied: tally(11, all), failed: none, left: none });
    expect([...outcomesOf(state)]).toEqual([]);
    expect(left).toEqual([]);
  });

  test('counts a file that was done and failed for another worker later as done', async () => {
    const { account, left } = await stateOf(
      [journalName(0), everything],
      [journalName(0, 1, 1), failed(3, 4)],
      [journalName('finish'), finished],
    );
    expect(account).toMatchObject({ failed: none, left: none });
    expect(left).toEqual([]);
  });

  test('counts a file that failed twice once, with its latest cause', async () => {
    const rest = [done(0, 3, { copied: tally(2, 3) }), done(4, 12, { copied: tally(7, all - 7) })];
    const { account, left, state } = await stateOf(
      [journalName(0), ...rest, failed(3, 4, 'EIO')],
      [journalName(0, 2), failed(3, 4, 'EACCES')],
      [journalName('finish', 2), finished],
    );
    expect(account).toMatchObject({ failed: tally(1, 4), left: none });
    expect([...outcomesOf(state)].map(({ cause }) => cause)).toEqual(['EACCES']);
    expect(isComplete(account)).toBe(false);
    expect(left).toEqual([0]);
  });

  test('is complete without what vanished, and nobody has to look for it again', async () => {
    const rest = [done(0, 3, { copied: tally(2, 3) }), done(4, 12, { copied: tally(7, all - 7) })];
    const { account, left } = await stateOf(
      [journalName(0), ...rest, vanished(3, 4)],
      [journalName('finish'), finished],
    );
    expect(account).toMatchObject({ vanished: tally(1, 4), left: none });
    expect(isComplete(account)).toBe(true);
    expect(left).toEqual([]);
  });

  test('reads attempts in their order whatever their files are called', async () => {
    const { state } = await stateOf(
      [journalName(0, 10), failed(3, 4, 'EACCES')],
      [journalName(0, 9), failed(3, 4, 'EIO')],
    );
    expect(state.shards[0]!.outcomes.get(3)?.cause).toBe('EACCES');
    expect(state.shards[0]!.journals.map(({ name }) => name.attempt)).toEqual([9, 10]);
  });

  test('says of each journal when it ended and why, and of a killed one neither', async () => {
    const { state } = await stateOf(
      [journalName(0), done(0, 1, {})],
      [journalName(0, 2), { type: 'end', reason: 'complete', at: '2026-01-02T03:05:05.000Z' }],
    );
    expect(state.shards[0]!.journals.map(({ endedAt, reason }) => [endedAt, reason])).toEqual([
      [undefined, undefined],
      ['2026-01-02T03:05:05.000Z', 'complete'],
    ]);
  });
});

describe('two workers on one shard', () => {
  test.each([
    ['the same range', [0, 12], [0, 12]],
    ['ranges that overlap', [0, 7], [4, 12]],
    ['one range around the other', [4, 7], [0, 12]],
    ['one range inside the other', [0, 12], [4, 7]],
    ['ranges that touch', [0, 6], [6, 12]],
  ])('are counted once with %s', async (_, first, second) => {
    const range = ([from, to]: number[]) => {
      const files = entries.slice(from, to).filter(({ kind }) => kind === 'file');
      const bytes = files.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.bytes : 0), 0);
      return done(from!, to!, { copied: tally(files.length, bytes) });
    };
    const { account, left } = await stateOf(
      [journalName(0, 1, 0), range(first)],
      [journalName(0, 1, 1), range(second), failed(first[0]! + 1, 99)],
      [journalName('finish'), finished],
    );
    expect(account).toMatchObject({ copied: tally(11, all), failed: none, left: none });
    expect(restOf(account)).toEqual(none);
    expect(left).toEqual([]);
  });

  test('are counted once when one saw a failure that the other did not', async () => {
    const { account } = await stateOf(
      [
        journalName(0, 1, 0),
        done(0, 5, { copied: tally(4, 15) }),
        failed(5, 16),
        done(6, 12, { copied: tally(5, 992) }),
      ],
      [journalName(0, 1, 1), done(2, 12, { copied: tally(9, all - 1) })],
      [journalName('finish'), finished],
    );
    expect(account).toMatchObject({ copied: tally(11, all), failed: none, left: none });
  });

  test('never make the sums close wrongly, whatever is killed when', async () => {
    for (let killed = 0; killed <= 12; killed++) {
      const bytes = 2 ** Math.min(10, Math.max(0, killed - 1)) - 1;
      const count = Math.min(10, Math.max(0, killed - 1));
      const some = makeRun(entries);
      writeJournal(some.paths, journalName(0, 1, 0), [done(0, killed, { copied: tally(count, bytes) })]);
      writeJournal(some.paths, journalName(0, 1, 1), [everything]);
      writeJournal(some.paths, journalName('finish'), [finished]);
      const account = accountOfRun(plan, await readRunState(some.paths, plan));
      some.remove();
      expect(account).toMatchObject({ copied: tally(11, all), linked: tally(1, 0), left: none });
    }
  });
});

describe("finish's word", () => {
  test('goes before what workers said of the same entry', async () => {
    const { state, account } = await stateOf(
      [journalName(0), done(0, 3, { copied: tally(2, 3) }), failed(3, 4, 'EIO')],
      [journalName('finish'), failed(3, 4, 'EACCES'), failed(0, 0, 'EPERM')],
    );
    expect([...outcomesOf(state)].map(({ ordinal, cause }) => [ordinal, cause])).toEqual([
      [3, 'EACCES'],
      [0, 'EPERM'],
    ]);
    expect(account.failed).toEqual(tally(2, 4));
  });

  test('is that of the newest finish alone', async () => {
    const { account, state } = await stateOf(
      [journalName(0), everything],
      [
        journalName('finish', 1),
        failed(0, 0),
        failed(11, 0),
        { type: 'note', note: 'owner not kept', entries: 1 },
      ],
      [journalName('finish', 2), finished, { type: 'note', note: 'owner not kept', entries: 1 }],
    );
    expect(account).toMatchObject({ copied: tally(11, all), linked: tally(1, 0), failed: none, left: none });
    expect([...state.notes]).toEqual([['owner not kept', 1]]);
  });

  test('is told with the notes of the workers', async () => {
    const note = (count: number): JournalLine => ({ type: 'note', note: 'owner not kept', entries: count });
    const { state } = await stateOf(
      [journalName(0), everything, note(5)],
      [journalName('finish'), finished, note(2)],
    );
    expect([...state.notes]).toEqual([['owner not kept', 7]]);
  });
});
