import { describe, expect, test } from 'vitest';
import type { Entry } from '../../core/model/entry.ts';
import type { Way } from '../../core/model/ways.ts';
import type { JournalLine } from '../../core/run/journal-lines.ts';
import { formatErr, formatLog, type ReportFacts } from '../../core/run/report.ts';
import type { JournalName } from '../../core/run/run-paths.ts';
import { accountOfRun, readRunState } from '../../core/run/run-state.ts';
import {
  done,
  failed,
  journalName,
  makeRun,
  planRun,
  vanished,
  writeJournal,
} from '../helpers/run-fixture.ts';
import { attemptOf, infoOf } from '../helpers/task-fixture.ts';

/** Four shards of two thousand files each, and one further name. */
const entries: Entry[] = [
  { kind: 'directory', path: '' },
  ...Array.from({ length: 8000 }, (_, i): Entry => ({ kind: 'file', name: `e${i + 1}`, bytes: 1_000_003 })),
  { kind: 'link', name: 'l', first: 1 },
];

type Journal = readonly [JournalName, ...JournalLine[]];

/** The facts of a run with these journals; nothing in them depends on when or where the test runs. */
async function factsOf(
  attempt: number,
  journals: readonly Journal[],
  tasks = [0, 1, 2, 3],
): Promise<ReportFacts> {
  const run = makeRun(entries);
  try {
    const plan = planRun(run.paths, entries, 4);
    for (const [name, ...lines] of journals) writeJournal(run.paths, name, lines);
    const state = await readRunState(run.paths, plan);
    const named = infoOf({ source: '/gws/a/my dir\n', destination: '/gws/b/dest' }, '1');
    const info = { ...named, command: ['bcopy', '-s', 'my dir\n', '-d', '/gws/b/dest'] };
    const arrays = [{ number: 0, base: 0, tasks }];
    return {
      info,
      plan,
      attempt: { ...attemptOf(attempt), arrays },
      state,
      account: accountOfRun(plan, state),
      job: `10${attempt}`,
      next: undefined,
      command: "bcopy -s $'my dir\\n' -d /gws/b/dest",
    };
  } finally {
    run.remove();
  }
}

const ends = (
  at: string,
  reason: 'complete' | 'failures' | 'cut off' | 'hopeless' = 'complete',
): JournalLine => ({
  type: 'end',
  reason,
  at: `2026-01-02T${at}.000Z`,
});
const files = (from: number, to: number): JournalLine => {
  const count = Math.min(to, 8001) - Math.max(from, 1);
  return done(from, to, { copied: { entries: count, bytes: count * 1_000_003 } });
};
/** Shards begin at 0, 2000, 4000 and 6001, as near to a quarter as entries allow. */
const whole: readonly Journal[] = [
  [journalName(0), files(0, 2001), ends('03:05:05')],
  [journalName(1), files(2001, 4001), ends('03:06:07')],
  [journalName(2), files(4001, 6001), ends('03:05:30')],
  [journalName(3), files(6001, 8002), ends('03:05:31')],
];
const finish: Journal = [
  journalName('finish'),
  done(0, 8002, { copied: { entries: 1, bytes: 0 }, linked: { entries: 1, bytes: 0 } }),
];
const note: JournalLine = { type: 'note', note: 'owner not kept', entries: 1234 };

const broken: readonly Journal[] = [
  [journalName(0), files(0, 100), files(101, 2001), failed(100, 1_000_003), ends('03:05:05', 'failures')],
  [
    journalName(1),
    files(2001, 3000),
    { ...failed(3000, 1_000_003, 'EIO'), path: 'a "b"\n\udcff' } as JournalLine,
    { ...failed(3001, 1_000_003, 'EACCES'), path: 'c' } as JournalLine,
    vanished(3002, 1_000_003),
    ends('03:06:07', 'cut off'),
  ],
  [journalName(2), files(4001, 5000)],
  [journalName('finish'), { ...failed(0, 0, 'EPERM'), path: '', action: 'set mode' } as JournalLine],
];

/** The numbers of the table: entries and bytes by row. */
function tableOf(log: string): Map<string, [number, number]> {
  const rows = [...log.matchAll(/^(\w[\w ]*?) {2,}([\d,]+) +([\d,]+)$/gm)];
  const number = (text: string) => Number(text.replaceAll(',', ''));
  return new Map(rows.map(([, name, count, bytes]) => [name!, [number(count!), number(bytes!)]]));
}

describe('the log that people read', () => {
  test('says that all is well', async () => {
    const facts = await factsOf(1, [...whole, finish]);
    expect(formatErr(facts)).toBe('');
    expect(formatLog(facts).trimEnd().split('\n').at(-1)).toBe('All 8,001 files are copied.');
  });

  test('says what is missing, and how to get it', async () => {
    await expect(formatLog(await factsOf(1, broken))).toMatchFileSnapshot('../golden/job.log');
  });

  test('says of each cause what it means, whom it hit and what to do', async () => {
    await expect(formatErr(await factsOf(1, broken))).toMatchFileSnapshot('../golden/job.err');
  });

  test.each([
    ['of a run that is done', [...whole, finish]],
    ['of a run that is broken', broken],
    ['of a run that never began', []],
    ['of a run that two workers did at once', [...whole, [journalName(1, 1, 1), files(3000, 4001)], finish]],
  ] as [string, Journal[]][])('has numbers that close %s', async (_, journals) => {
    const table = tableOf(formatLog(await factsOf(1, journals)));
    expect([...table.keys()]).toEqual([
      'planned',
      'copied',
      'skipped',
      'linked',
      'failed',
      'vanished',
      'not done',
    ]);
    const [planned, ...rest] = [...table.values()];
    expect(rest.reduce((sum, [count]) => sum + count, 0)).toBe(planned![0]);
    expect(rest.reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(planned![1]);
  });

  test('tells what could not be kept', async () => {
    const [first, ...rest] = whole;
    const [name, ...lines] = first!;
    const facts = await factsOf(1, [[name, ...lines.slice(0, -1), note, lines.at(-1)!], ...rest, finish]);
    expect(formatLog(facts)).toContain('\nnote         owner not kept: 1,234 entries\n');
    expect(formatErr(facts)).toBe('');
  });

  const way = (name: Way, files: number): JournalLine => ({ type: 'way', way: name, files });
  const withWays: readonly Journal[] = [
    [journalName(0), files(0, 2001), way('read/write', 98_000), way('reflink', 1204), ends('03:05:05')],
    [journalName(1), files(2001, 4001), way('read/write', 114), ends('03:06:07')],
    [journalName('finish'), way('copy_file_range', 1)],
    [journalName('finish', 2), way('copy_file_range', 2)],
  ];

  test('tells how content was copied, by all workers and attempts, to those who ask', async () => {
    const facts = await factsOf(1, withWays);
    expect(formatLog(facts)).not.toContain('ways');
    const verbose = { ...facts, attempt: { ...facts.attempt, verbose: true } };
    expect(formatLog(verbose)).toContain(
      '\nways         reflink 1,204 · copy_file_range 3 · read/write 98,114\n',
    );
  });

  test('says so when no content was copied', async () => {
    const facts = await factsOf(1, whole);
    const verbose = { ...facts, attempt: { ...facts.attempt, verbose: true } };
    expect(formatLog(verbose)).toContain('\nways         no content was copied\n');
  });

  test('tells what leads out of the source', async () => {
    const facts = await factsOf(1, [...whole, finish]);
    const totals = { ...facts.plan.totals, linkedOutside: 1234 };
    const log = formatLog({ ...facts, plan: { ...facts.plan, totals } });
    expect(log).toContain('\nnote         1,234 files have further names outside the source\n');
    expect(formatLog(facts)).not.toContain('outside');
  });

  test('tells what must be kept and is not', async () => {
    const lost = { ...failed(5, 1_000_003, 'NOT_KEPT'), action: 'keep acl' } as JournalLine;
    const err = formatErr(await factsOf(1, [[journalName(0), lost]]));
    expect(err).toContain(
      '1 failed: the destination cannot keep what --require asks for (NOT_KEPT)\n  e5 (keep acl)\n',
    );
  });

  test('tells that something vanished, which is no failure', async () => {
    const [, ...rest] = whole;
    const first: Journal = [
      journalName(0),
      files(0, 5),
      vanished(5, 1_000_003),
      files(6, 2001),
      ends('03:05:05'),
    ];
    const facts = await factsOf(1, [first, ...rest, finish]);
    expect(formatLog(facts)).toContain('All files are copied but 1 that vanished from the source meanwhile.');
    expect(formatErr(facts)).toBe('');
  });

  test('tells tasks that never started from tasks that were killed', async () => {
    const err = formatErr(await factsOf(1, broken));
    expect(err).toContain('shard 1: task 101_1 on node1 ended early (cut off)');
    expect(err).toContain('shard 2: task 101_2 on node1 was killed');
    expect(err).toContain('shard 3: its task never started');
    expect(err).not.toContain('shard 0');
  });

  test('takes times from its own attempt only', async () => {
    const log = formatLog(await factsOf(2, [...whole, finish], []));
    expect(log).toContain('elapsed      no task of this attempt has run');
  });

  test('stays readable with very many failures', async () => {
    const many = Array.from({ length: 8000 }, (_, i) => failed(i + 1, 1_000_003));
    const facts = await factsOf(1, [[journalName('finish'), ...many]]);
    expect(
      formatErr(facts)
        .split('\n')
        .filter((line) => line.includes('(open source)')),
    ).toHaveLength(8000);
    expect(formatLog(facts).split('\n').length).toBeLessThan(30);
  });
});
