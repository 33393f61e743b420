import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DifferenceKind } from '../../../core/model/difference.ts';
import type { Entry } from '../../../core/model/entry.ts';
import type { Attempt } from '../../../core/run/attempt-file.ts';
import type { JournalEnd, JournalLine } from '../../../core/run/journal-lines.ts';
import type { Next } from '../../../core/run/next-file.ts';
import { formatErr, formatLog, type ReportFacts } from '../../../core/run/report.ts';
import type { RunInfo } from '../../../core/run/run-info.ts';
import { accountOfRun, readRunState } from '../../../core/run/run-state.ts';
import {
  done,
  journalName,
  makeRun,
  planRun,
  type RunFixture,
  writeJournal,
} from '../../helpers/run-fixture.ts';
import { attemptOf, infoOf } from '../../helpers/task-fixture.ts';

const entries: Entry[] = [
  { kind: 'directory', path: '' },
  { kind: 'file', name: 'a', bytes: 1 },
  { kind: 'file', name: 'b', bytes: 2 },
];
let run: RunFixture;
beforeEach(() => {
  run = makeRun(entries);
  writeJournal(run.paths, journalName(0), [done(0, 3, { copied: { entries: 2, bytes: 3 } })]);
  writeJournal(run.paths, journalName('finish'), [done(0, 3, { copied: { entries: 1, bytes: 0 } })]);
});
afterEach(() => run.remove());

type Circumstances = {
  readonly found?: readonly JournalLine[];
  readonly reason?: JournalEnd['reason'];
  readonly attempt?: Partial<Attempt>;
  readonly info?: Partial<RunInfo>;
  readonly next?: Next;
};

/** After an attempt that compares, whose task has found this. */
async function factsOf(circumstances: Circumstances): Promise<ReportFacts> {
  const { found = [], reason, attempt, info = {}, next } = circumstances;
  const ends: JournalLine[] =
    reason === undefined ? [] : [{ type: 'end', reason, at: '2026-01-02T03:05:05.000Z' }];
  const compared: JournalLine = { type: 'verified', from: 0, to: 3, entries: 3, bytes: 3 };
  const lines = [...found, ...(reason === undefined ? [] : [compared]), ...ends];
  writeJournal(run.paths, journalName(0, 2), lines, { phase: 'verify', since: 2 });
  const plan = planRun(run.paths, entries, 1);
  const state = await readRunState(run.paths, plan);
  return {
    info: { ...infoOf({ source: '/gws/a/mydir', destination: '/gws/b/dest' }, '1'), ...info },
    plan,
    attempt: { ...attemptOf(2), phase: 'verify', verify: { by: 'checksum', since: 2 }, ...attempt },
    state,
    account: accountOfRun(plan, state),
    job: '101',
    next,
    command: 'bcopy -s mydir -d /gws/b/dest',
  } as ReportFacts;
}

const differs = (ordinal: number, kind: DifferenceKind, detail = ''): JournalLine => {
  const bytes = ordinal;
  return { type: 'differs', ordinal, entry: 'file', bytes, path: 'ab'[ordinal - 1]!, kind, detail };
};
const extra: JournalLine = { type: 'differs', path: 'z\n', kind: 'extra', detail: 'directory' };

/** What the log says after the figures. */
const verdictOf = (facts: ReportFacts) => formatLog(facts).trimEnd().split('\n\n').at(-1);

describe('JOBID.log', () => {
  test('says that all is well, of a copy and of a comparison alone', async () => {
    const facts = await factsOf({ reason: 'complete' });
    expect(formatLog(facts)).toContain('compared     3 entries, 3 B of content: no difference\n');
    const alike = 'The destination is like the source, in all that was compared.';
    expect(verdictOf(facts)).toBe(`All 2 files are copied.\n${alike}`);
    expect(verdictOf({ ...facts, info: { ...facts.info, purpose: 'verify' } })).toBe(alike);
  });

  test('says how many differences there are, and how to have them mended', async () => {
    const facts = await factsOf({ found: [differs(1, 'content'), extra], reason: 'differences' });
    expect(formatLog(facts)).toContain(': 2 differences\n');
    const lines = ['2 differences between source and destination.', 'To copy what differs:'];
    expect(verdictOf(facts)).toBe([...lines, '  bcopy -s mydir -d /gws/b/dest --retry'].join('\n'));
  });

  test('gives the words of a copy where the run was made to compare', async () => {
    const info = { purpose: 'verify', command: ['bcopy', 'verify', '-s', 'my dir', '-d', 'd'] } as const;
    const facts = await factsOf({
      found: [differs(2, 'missing')],
      reason: 'differences',
      info: { ...info, command: [...info.command] },
    });
    expect(verdictOf(facts)).toContain('  bcopy -s mydir -d /gws/b/dest --retry');
  });

  test('says what goes on with it, or why nothing does', async () => {
    const found = { found: [differs(1, 'content')], reason: 'differences' } as const;
    const next = { kind: 'again', attempt: 3, job: '105' } as const;
    expect(verdictOf(await factsOf({ ...found, next }))).toContain('Attempt 3 goes on with it as job 105.');
    const attempt = { verify: { by: 'size', since: 2, mends: true } } as const;
    const ended = await factsOf({ ...found, attempt, next: { kind: 'ends', why: 'it was mended once' } });
    expect(verdictOf(ended)).toContain('It does not go on by itself: it was mended once.\n');
  });

  test('says so when not everything could be read, or was compared', async () => {
    const unread = await factsOf({ found: [differs(1, 'unreadable', 'read: EIO')], reason: 'failures' });
    expect(verdictOf(unread)).toContain('1 could not be read.');
    expect(verdictOf(await factsOf({}))).toContain('Not everything is compared.');
  });
});

describe('JOBID.err', () => {
  test('is empty when nothing differs', async () => {
    expect(formatErr(await factsOf({ reason: 'complete' }))).toBe('');
  });

  test('lists what differs by kind, and what to do', async () => {
    const found = [differs(2, 'content', 'from byte 1 on'), differs(1, 'content'), differs(1, 'mode'), extra];
    const facts = await factsOf({ found, reason: 'differences' });
    expect(formatErr(facts).split('\n')).toEqual([
      '1 only at the destination (extra)',
      '  "z\\n" (directory)',
      '  what to do: --delete takes them away',
      '',
      '2 not as in the source: content',
      '  a',
      '  b (from byte 1 on)',
      '  what to do: --retry copies them again',
      '',
      '1 not as in the source: mode',
      '  a',
      '  what to do: --retry copies them again',
      '',
    ]);
  });

  test('tells which task was killed', async () => {
    const text = formatErr(await factsOf({}));
    expect(text).toContain('not all is done: tasks did not come to their end\n');
    expect(text).toContain('  shard 0: task 102_0 on node1 was killed\n');
  });
});
