import { writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import type { JournalLine } from '../../../core/run/journal-lines.ts';
import { isRemovalWhole, shardsWithRemovalsLeft } from '../../../core/run/removals.ts';
import { accountOfRun, readRunState } from '../../../core/run/run-state.ts';
import {
  done,
  headerLine,
  journalName,
  makeRun,
  planRun,
  type RunFixture,
} from '../../helpers/run-fixture.ts';
import { attemptOf } from '../../helpers/task-fixture.ts';

let run: RunFixture;
afterEach(() => run.remove());

const entries = [
  { kind: 'directory', path: '' },
  { kind: 'symlink', name: 'a' },
  { kind: 'symlink', name: 'b' },
] as const;
const end = (reason: 'complete' | 'failures' | 'cut off'): JournalLine => ({
  type: 'end',
  reason,
  at: '2026-01-02T03:04:09.000Z',
});
const removed = (path: string): JournalLine => ({
  type: 'removed',
  path,
  kind: 'other',
  entries: 2,
  bytes: 3,
  to: '.bcopy-trash/r',
});
const kept: JournalLine = { type: 'kept', path: 'c', cause: 'EACCES', action: 'remove' };

function write(shard: number | 'finish', attempt: number, lines: readonly JournalLine[], phase?: 'delete') {
  const name = journalName(shard, attempt);
  const header = { ...headerLine(name), ...(phase === undefined ? {} : { phase }) };
  writeFileSync(
    run.paths.journal(name),
    [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
}

async function stateOf(lines: readonly JournalLine[]) {
  run = makeRun(entries);
  const plan = planRun(run.paths, entries, 1);
  write(0, 1, [done(0, 3, { copied: { entries: 2, bytes: 0 } }), end('complete')]);
  write('finish', 1, [done(0, 3, { copied: { entries: 1, bytes: 0 } }), end('complete')]);
  write(0, 2, lines, 'delete');
  write('finish', 2, [end('complete')], 'delete');
  const state = await readRunState(run.paths, plan);
  return { state, account: accountOfRun(plan, state) };
}

test('journals of workers that remove leave the account as it is', async () => {
  const { state, account } = await stateOf([removed('x'), end('complete')]);
  expect(account).toMatchObject({ copied: { entries: 3 }, left: { entries: 0 }, failed: { entries: 0 } });
  expect(state.finish.journal?.name.attempt).toBe(2);
});

test('tell how much went, and where it is', async () => {
  const { state } = await stateOf([removed('x'), removed('y'), end('complete')]);
  expect(state.removals).toMatchObject({ names: 2, entries: 4, bytes: 6, trash: '.bcopy-trash/r' });
});

test.each([
  ['all has gone', [end('complete')], true, []],
  ['something stays', [kept, end('failures')], false, []],
  ['a worker was cut off', [removed('x'), end('cut off')], false, [0]],
  ['a worker was killed', [removed('x')], false, [0]],
] as const)('when %s', async (_, lines, isWhole, left) => {
  const { state } = await stateOf(lines);
  const attempt = { ...attemptOf(2), phase: 'delete' as const };
  expect(isRemovalWhole(attempt, state)).toBe(isWhole);
  expect(shardsWithRemovalsLeft(attempt, state)).toEqual(left);
});

test('a shard whose task never began is left', async () => {
  const { state } = await stateOf([removed('x'), end('complete')]);
  expect(shardsWithRemovalsLeft({ ...attemptOf(3), phase: 'delete' }, state)).toEqual([0]);
});

test.each(['../x', '', '/x', 'a//b', 'a/..'])('a path such as %j is damage', async (path) => {
  await expect(stateOf([removed(path), end('complete')])).rejects.toThrow('no path below the destination');
});
