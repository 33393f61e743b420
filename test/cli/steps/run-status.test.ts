import { mkdirSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import type { FoundAttempt } from '../../../cli/steps/find-run.ts';
import { readRunStatus } from '../../../cli/steps/run-status.ts';
import { type Next, writeNext } from '../../../core/run/next-file.ts';
import { writePlan } from '../../../core/run/plan-file.ts';
import {
  done,
  journalName,
  makeRun,
  planRun,
  type RunFixture,
  writeJournal,
} from '../../helpers/run-fixture.ts';
import { attemptOf, infoOf } from '../../helpers/task-fixture.ts';

let run: RunFixture;
afterEach(() => run.remove());

const entries = [
  { kind: 'directory', path: '' },
  { kind: 'symlink', name: 'a' },
] as const;
const end = { type: 'end', reason: 'complete', at: '2026-01-02T03:04:09.000Z' } as const;
const jobs = { arrays: [{ number: 0, job: '1' }], finish: '2', announced: '1' };

/** Of a run whose only attempt is over: all is copied, and what the source does not have is to go. */
async function statusWith(next: Next | undefined) {
  run = makeRun(entries);
  const { paths } = run;
  await writePlan(paths, planRun(paths, entries, 1));
  writeJournal(paths, journalName(0), [done(0, 2, { copied: { entries: 1, bytes: 0 } }), end]);
  writeJournal(paths, journalName('finish'), [done(0, 2, { copied: { entries: 1, bytes: 0 } }), end]);
  mkdirSync(paths.attempt(1), { recursive: true });
  if (next !== undefined) await writeNext(paths, 1, next);
  const attempt: FoundAttempt = {
    ...attemptOf(1),
    maxAttempts: 10,
    delete: { to: 'trash', max: '10%' },
    jobs,
  };
  const info = infoOf({ source: '/a', destination: '/b' }, '1');
  return readRunStatus({ paths, info, attempts: [attempt] }, undefined);
}

test.each([
  ['nothing is decided', undefined, { isFinished: false, phase: 'finishing' }],
  ['another follows', { kind: 'again', attempt: 2, job: '3' }, { isFinished: false, phase: 'finishing' }],
  ['nothing has to be done', { kind: 'whole' }, { isFinished: true, phase: 'complete' }],
  ['nothing follows', { kind: 'ends', why: 'w' }, { isFinished: true, phase: 'incomplete' }],
] as const)('after an attempt when %s', async (_, next, status) => {
  expect(await statusWith(next)).toMatchObject(status);
});
