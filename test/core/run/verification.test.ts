import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isComplete } from '../../../core/model/account.ts';
import type { DifferenceKind } from '../../../core/model/difference.ts';
import type { Entry } from '../../../core/model/entry.ts';
import { type Plan, partsOf } from '../../../core/model/plan.ts';
import type { JournalEnd, JournalLine } from '../../../core/run/journal-lines.ts';
import type { JournalName } from '../../../core/run/run-paths.ts';
import { accountOfRun, readRunState, shardsWithWorkLeft } from '../../../core/run/run-state.ts';
import { shardsToVerify } from '../../../core/run/to-verify.ts';
import { randomNumbers } from '../../helpers/random.ts';
import {
  done,
  failed,
  journalName,
  makeRun,
  planRun,
  type RunFixture,
  writeJournal,
} from '../../helpers/run-fixture.ts';

/** A directory, ten files of 1, 2, 4 ... bytes, and a further name. */
const entries: Entry[] = [
  { kind: 'directory', path: '' },
  ...Array.from({ length: 10 }, (_, i): Entry => ({ kind: 'file', name: `e${i + 1}`, bytes: 2 ** i })),
  { kind: 'link', name: 'l', first: 1 },
];

let run: RunFixture;
let plan: Plan;
beforeEach(() => {
  run = makeRun(entries);
  plan = planRun(run.paths, entries, 1);
});
afterEach(() => run.remove());

const tally = (count: number, bytes: number) => ({ entries: count, bytes });
const everything = done(0, 12, { copied: tally(8, 255), skipped: tally(2, 768) });
const finished = done(0, 12, { copied: tally(1, 0), linked: tally(1, 0) });

/** The phase of a comparison: the attempt that has begun it. */
type Journal = { name: JournalName; lines: JournalLine[]; since?: number };

const copied: Journal[] = [
  { name: journalName(0), lines: [everything] },
  { name: journalName('finish'), lines: [finished] },
];

const compares = (attempt: number, since: number, ...lines: JournalLine[]): Journal => ({
  name: journalName(0, attempt),
  lines,
  since,
});

function differs(ordinal: number, kind: DifferenceKind = 'content'): JournalLine {
  const { kind: entry } = entries[ordinal]!;
  const bytes = entry === 'file' ? 2 ** (ordinal - 1) : 0;
  return { type: 'differs', ordinal, entry, bytes, path: `e${ordinal}`, kind, detail: '' };
}

const verified = (from: number, to: number): JournalLine => ({
  type: 'verified',
  from,
  to,
  entries: to - from,
  bytes: 0,
});
const ends = (reason: JournalEnd['reason']): JournalLine => ({
  type: 'end',
  reason,
  at: '2026-01-02T03:05:00.000Z',
});

async function stateOf(journals: readonly Journal[], onlyShard?: number) {
  for (const { name, lines, since } of journals)
    writeJournal(run.paths, name, lines, since === undefined ? {} : { phase: 'verify', since });
  const state = await readRunState(run.paths, plan, onlyShard);
  const account = accountOfRun(plan, state);
  return { state, account, left: shardsWithWorkLeft(plan, state), kinds: kindsOf(state) };
}

function kindsOf({ verification }: Awaited<ReturnType<typeof readRunState>>): string[] {
  return [...verification.differences()].map(({ kind, path }) => `${kind} ${path}`);
}

describe('an entry that differs', () => {
  const found = compares(2, 2, differs(3), differs(3, 'mode'), verified(0, 12), ends('differences'));

  test('counts as not done, and is left to the next attempt', async () => {
    const { account, left, state, kinds } = await stateOf([...copied, found]);
    expect(account.left).toEqual(tally(1, 4));
    expect(account.copied).toEqual(tally(8, 251));
    expect(left).toEqual([0]);
    expect(kinds).toEqual(['content e3', 'mode e3']);
    expect(state.verification.count).toBe(2);
    expect([...state.verification.toBePutAnew]).toEqual([3]);
  });

  test('counts as done when it was copied again, and is to be compared again', async () => {
    const again = { name: journalName(0, 3), lines: [done(3, 4, { copied: tally(1, 4) })] };
    const { account, left, state } = await stateOf([...copied, found, again]);
    expect(isComplete(account)).toBe(true);
    expect(account.copied).toEqual(tally(9, 255));
    expect(left).toEqual([]);
    expect(state.verification).toMatchObject({ count: 0, mended: 2 });
    expect(shardsToVerify({ plan, state, since: 2, comparesAll: false })).toEqual([0]);
    const compared = compares(4, 2, verified(3, 4), ends('complete'));
    const { state: later } = await stateOf([compared]);
    expect(shardsToVerify({ plan, state: later, since: 2, comparesAll: false })).toEqual([]);
  });

  test('has failed when it could not be copied again', async () => {
    const { account, left } = await stateOf([
      ...copied,
      found,
      { name: journalName(0, 3), lines: [failed(3, 4)] },
    ]);
    expect(account).toMatchObject({ failed: tally(1, 4), left: tally(0, 0) });
    expect(left).toEqual([0]);
  });

  test('is as it should be when a later comparison finds nothing', async () => {
    const mended = compares(3, 3, done(3, 4, { skipped: tally(1, 4) }), verified(0, 12), ends('complete'));
    const { account, kinds } = await stateOf([...copied, found, mended]);
    expect(isComplete(account)).toBe(true);
    expect(account.skipped).toEqual(tally(3, 772));
    expect(kinds).toEqual([]);
  });

  test('is told once, whoever has found it', async () => {
    const other: Journal = { name: journalName(0, 2, 1), lines: [differs(3)], since: 2 };
    const { account, kinds } = await stateOf([...copied, found, other]);
    expect(account.left).toEqual(tally(1, 4));
    expect(kinds).toEqual(['content e3', 'mode e3']);
  });

  test('of which only metadata differs is not put anew', async () => {
    const mode = compares(2, 2, differs(4, 'mode'), verified(0, 12));
    const { state } = await stateOf([...copied, mode]);
    expect([...state.verification.toBePutAnew]).toEqual([]);
  });
});

describe('what finish does', () => {
  const found = compares(
    2,
    2,
    differs(0, 'mode'),
    differs(11, 'hard-links'),
    verified(0, 12),
    ends('differences'),
  );

  test('counts as not done while it differs', async () => {
    const { account, left } = await stateOf([...copied, found]);
    expect(account.left).toEqual(tally(2, 0));
    // No worker has to do with it
    expect(left).toEqual([]);
  });

  test('counts as done after another finish', async () => {
    const again = { name: journalName('finish', 3), lines: [finished] };
    const { account, kinds } = await stateOf([...copied, found, again]);
    expect(isComplete(account)).toBe(true);
    expect(kinds).toEqual([]);
  });

  test('stays not done when that finish has not come so far', async () => {
    const again = { name: journalName('finish', 3), lines: [done(5, 12, { linked: tally(1, 0) })] };
    const { kinds } = await stateOf([...copied, found, again]);
    expect(kinds).toEqual(['mode e0']);
  });

  test('is as it should be when a later comparison finds nothing', async () => {
    const { account } = await stateOf([...copied, found, compares(3, 3, verified(0, 12), ends('complete'))]);
    expect(isComplete(account)).toBe(true);
  });
});

describe('what is left to compare', () => {
  const toVerify = async (journals: readonly Journal[], since: number | undefined, comparesAll = false) => {
    const { state } = await stateOf(journals);
    return shardsToVerify({ plan, state, since, comparesAll });
  };

  test('is all that is recorded, and nothing of it has to be', async () => {
    expect(await toVerify([], undefined)).toEqual([]);
    expect(await toVerify([], undefined, true)).toEqual([0]);
    expect(await toVerify(copied, undefined)).toEqual([0]);
  });

  test('is what a worker that was ended has not recorded', async () => {
    expect(await toVerify([...copied, compares(2, 2, verified(0, 12), ends('cut off'))], 2)).toEqual([0]);
    const rest: Journal = { name: journalName(0, 2, 1), lines: [ends('complete')], since: 2 };
    expect(await toVerify([rest], 2)).toEqual([]);
  });

  test('is everything for another comparison', async () => {
    const journals = [...copied, compares(2, 2, verified(0, 12), ends('complete'))];
    expect(await toVerify(journals, 2)).toEqual([]);
    expect(await toVerify([], undefined)).toEqual([0]);
    expect(await toVerify([compares(3, 3, verified(0, 6))], 3)).toEqual([0]);
  });
});

test('what the source does not have is told by the newest worker of a shard', async () => {
  const extra = (path: string): JournalLine => ({ type: 'differs', path, kind: 'extra', detail: '' });
  const first = compares(2, 2, extra('one'), extra('two'));
  const second: Journal = {
    name: journalName(0, 2, 1),
    lines: [extra('two'), ends('differences')],
    since: 2,
  };
  const { kinds, account } = await stateOf([...copied, first, second]);
  expect(kinds).toEqual(['extra two']);
  expect(isComplete(account)).toBe(true);
});

describe('a divided file', () => {
  const MiB = 2 ** 20;
  const file: Entry[] = [
    { kind: 'directory', path: '' },
    { kind: 'file', name: 'large', bytes: 64 * MiB },
  ];
  const version = `${64 * MiB}:1:1:1`;
  let parts: Journal[];

  beforeEach(() => {
    run.remove();
    run = makeRun(file);
    plan = planRun(run.paths, file, 2, MiB);
    parts = plan.shards.map((shard, number) => ({
      name: journalName(number),
      lines: [
        ...(number === 0 ? [done(0, 1, {})] : []),
        ...partsOf(shard).map(({ ordinal, from, to = 64 * MiB }): JournalLine => {
          return { type: 'part', ordinal, from, to, version, temporary: '7', same: false };
        }),
      ],
    }));
    parts.push({
      name: journalName('finish'),
      lines: [
        done(0, 2, { copied: tally(1, 0) }),
        { type: 'file', ordinal: 1, outcome: 'copied', bytes: 64 * MiB },
      ],
    });
  });

  const bad: JournalLine = {
    type: 'differs',
    ordinal: 1,
    entry: 'file',
    bytes: 64 * MiB,
    path: 'large',
    kind: 'content',
    detail: '',
  };

  test('is left to all that have a part of it, also for who reads one shard only', async () => {
    const found: Journal = { name: journalName(1, 2), lines: [bad, ends('differences')], since: 2 };
    const { account, left } = await stateOf([...parts, found]);
    expect(account.left).toEqual(tally(1, 64 * MiB));
    expect(left).toEqual([0, 1]);
    const { state } = await stateOf([], 0);
    expect(state.finish.files.has(1)).toBe(false);
    expect([...state.verification.toBePutAnew]).toEqual([1]);
    expect(state.shards[0]!.parts).toEqual([]);
  });

  test('is compared when all its pieces are', async () => {
    const [first, second] = plan.shards.map((shard) => partsOf(shard)[0]!);
    const pieces = (number: number, from: number, to: number): Journal => ({
      name: journalName(number, 2),
      lines: [
        { type: 'piece', ordinal: 1, from, to },
        ...(number === 0 ? [verified(0, 1)] : []),
        ends('complete'),
      ],
      since: 2,
    });
    const left = async (...journals: Journal[]) => {
      const { state } = await stateOf(journals);
      return shardsToVerify({ plan, state, since: 2, comparesAll: false });
    };
    expect(await left(...parts, pieces(0, 0, first!.to!))).toEqual([1]);
    expect(await left(pieces(1, second!.from, 64 * MiB))).toEqual([]);
  });
});

const seed = Number(process.env.VERIFICATION_SEED ?? Math.floor(Math.random() * 1e9));

test(`the account closes whatever was found and copied, in whatever order (VERIFICATION_SEED=${seed})`, async () => {
  const random = randomNumbers(seed);
  for (let round = 0; round < 30; round++) {
    run.remove();
    run = makeRun(entries);
    const journals: Journal[] = [...copied];
    let since = 0;
    for (let attempt = 2; attempt < 6; attempt++) {
      const ordinal = random(12);
      const { state } = await stateOf(journals);
      const open = [...state.verification.open.keys()].filter((one) => one > 0 && one < 11);
      if (random(2) === 0) {
        since = random(2) === 0 || since === 0 ? attempt : since;
        journals.push(compares(attempt, since, differs(ordinal), verified(ordinal, ordinal + 1)));
      } else
        for (const one of open)
          journals.push({
            name: journalName(0, attempt, one),
            lines:
              random(3) === 0
                ? [failed(one, 2 ** (one - 1))]
                : [done(one, one + 1, { copied: tally(1, 2 ** (one - 1)) })],
          });
    }
    const { account, state } = await stateOf(journals);
    const finishs = [...state.verification.open.values()].map(({ lines }) => lines[0]!);
    const bytes = finishs.reduce((sum, line) => sum + (line.bytes ?? 0), 0);
    const open = tally(finishs.length, bytes);
    const undone = tally(
      account.left.entries + account.failed.entries,
      account.left.bytes + account.failed.bytes,
    );
    expect(undone, `round ${round}`).toEqual(open);
    for (const part of Object.values(account))
      expect(Math.min(part.entries, part.bytes)).toBeGreaterThanOrEqual(0);
  }
});
