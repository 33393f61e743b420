import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import type { Fidelity } from '../../../core/model/fidelity.ts';
import { listAttempts, readAttempt, writeAttempt } from '../../../core/run/attempt-file.ts';
import { readJson, writeJsonOnce, writeOnce } from '../../../core/run/files.ts';
import { readPlan, writePlan } from '../../../core/run/plan-file.ts';
import { readJobs, writeSubmitted } from '../../../core/run/submitted-file.ts';
import { makeRun, planRun, type RunFixture, writeTape } from '../../helpers/run-fixture.ts';

let run: RunFixture;
beforeEach(() => {
  run = makeRun();
});
afterEach(() => run.remove());

const schema = z.object({ format: z.number(), name: z.string() });
const runDamaged = (message: RegExp) =>
  expect.objectContaining({ kind: 'runDamaged', message: expect.stringMatching(message) });

describe('a file that is written once', () => {
  test('is whole, for its owner alone, and leaves nothing beside it', async () => {
    const file = `${run.paths.root}/x.json`;
    await writeJsonOnce(file, { name: 'a\udcff\n' });
    expect(await readJson(file, schema)).toEqual({ format: 1, name: 'a\udcff\n' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(run.paths.root).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  test('is not there when it could not be written', async () => {
    const directory = `${run.top}/nothing`;
    await expect(writeOnce(`${directory}/x`, 'text')).rejects.toThrow(/ENOENT/);
  });

  test('keeps what stood there when the new one cannot take its place', async () => {
    mkdirSync(`${run.top}/taken`);
    writeFileSync(`${run.top}/taken/inside`, 'old');
    await expect(writeOnce(`${run.top}/taken`, 'new')).rejects.toThrow();
    expect(readFileSync(`${run.top}/taken/inside`, 'utf8')).toBe('old');
  });

  test.runIf(process.getuid?.() === 0)('is not there after a disk was full', async ({ skip }) => {
    const mounted = `${run.top}/small`;
    mkdirSync(mounted);
    const mount = await execa('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', mounted], { reject: false });
    if (mount.failed) skip('this machine lets nobody mount a tmpfs');
    try {
      await expect(writeOnce(`${mounted}/x`, 'x'.repeat(1 << 20))).rejects.toThrow(/ENOSPC/);
      expect(readdirSync(mounted).filter((name) => name === 'x')).toEqual([]);
    } finally {
      await execa('umount', ['-l', mounted]);
    }
  });

  test.each([
    ['missing', undefined, /x\.json is damaged: ENOENT/],
    ['torn', '{"format":1,"na', /x\.json is damaged: .*JSON/],
    ['empty', '', /x\.json is damaged/],
    ['wrong', '{"format":1,"name":7}', /x\.json is damaged: name: /],
    ['no object', 'null', /x\.json is damaged/],
    ['of a newer format', '{"format":9}', /x\.json has format 9, this bcopy knows format 1/],
  ])('is refused when it is %s', async (_, text, message) => {
    const file = `${run.paths.root}/x.json`;
    if (text !== undefined) writeFileSync(file, text);
    await expect(readJson(file, schema)).rejects.toEqual(runDamaged(message));
  });
});

describe('what is known of an attempt', () => {
  const attempt = {
    attempt: 2,
    createdAt: '2026-01-02T03:04:05Z',
    scheduler: 'slurm' as const,
    queue: 'long',
    workers: 4,
    threads: 2,
    checkpointSeconds: 30,
    arrays: [
      { number: 0, base: 0, tasks: [0, 1, 5] },
      { number: 1, base: 1000, tasks: [3] },
    ],
  };

  test('comes back, with the jobs that were accepted', async () => {
    mkdirSync(run.paths.attempt(2));
    await writeAttempt(run.paths, attempt);
    expect(await readAttempt(run.paths, 2)).toMatchObject(attempt);
    expect(await readJobs(run.paths, attempt)).toEqual({
      arrays: [],
      finish: undefined,
      announced: undefined,
    });
    await writeSubmitted(run.paths, 2, 'finish', '78');
    expect((await readJobs(run.paths, attempt)).announced).toBe('78');
    await writeSubmitted(run.paths, 2, 0, '77');
    const arrays = [{ number: 0, job: '77' }];
    expect(await readJobs(run.paths, attempt)).toEqual({ arrays, finish: '78', announced: '77' });
  });

  test('of an older bcopy may say nothing of what is kept; a word that nobody knows is damage', async () => {
    mkdirSync(run.paths.attempt(2));
    await writeAttempt(run.paths, attempt);
    expect((await readAttempt(run.paths, 2)).fidelity).toBeUndefined();
    const fidelity: Fidelity = { keep: ['owner', 'links'], require: ['device'], symlinks: 'skip' };
    await writeAttempt(run.paths, { ...attempt, fidelity });
    expect((await readAttempt(run.paths, 2)).fidelity).toEqual(fidelity);
    await writeAttempt(run.paths, { ...attempt, fidelity: { ...fidelity, keep: ['colour'] } as never });
    await expect(readAttempt(run.paths, 2)).rejects.toEqual(runDamaged(/fidelity\.keep/));
  });

  test('attempts are listed in order; one that was never written down does not count', async () => {
    for (const number of [10, 2, 1]) {
      mkdirSync(run.paths.attempt(number));
      await writeAttempt(run.paths, { ...attempt, attempt: number });
    }
    mkdirSync(run.paths.attempt(11));
    mkdirSync(`${run.paths.attempts}/0x1`);
    expect(await listAttempts(run.paths)).toEqual([1, 2, 10]);
  });

  test('there is none before the first', async () => {
    expect(await listAttempts(run.paths)).toEqual([]);
  });
});

test('a plan comes back as it was written', async () => {
  const entries = [
    { kind: 'directory' as const, path: '' },
    { kind: 'file' as const, name: 'big', bytes: 2 ** 40 },
  ];
  writeTape(run.paths, entries);
  const plan = planRun(run.paths, entries, 7);
  await writePlan(run.paths, plan);
  expect(await readPlan(run.paths)).toMatchObject(plan);
  const totals = { ...plan.totals, linkedOutside: 3 };
  await writePlan(run.paths, { ...plan, totals });
  expect((await readPlan(run.paths)).totals).toEqual(totals);
});
