import { lstat, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimJobNumber } from '../../../../cli/schedulers/local/job-number.ts';

const nowMs = Date.UTC(2026, 0, 2);
let root = '';
let environment: Record<string, string> = {};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bcopy numbers-'));
  environment = { BCOPY_LOCAL_STATE: join(root, 'jobs'), XDG_STATE_HOME: join(root, 'state') };
});

afterEach(() => rm(root, { recursive: true }));

it('counts the seconds since 2026 began', async () => {
  expect(await claimJobNumber(environment, nowMs)).toBe('86400');
});

it('gives each caller another number in the same second', async () => {
  const claims = await Promise.all(Array.from({ length: 20 }, () => claimJobNumber(environment, nowMs)));
  expect(new Set(claims).size).toBe(20);
  expect(claims.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => 86400 + i));
});

it('is never zero or less, whatever the clock says', async () => {
  expect(await claimJobNumber(environment, 0)).toBe('1');
});

it('makes the directory for all users', async () => {
  await claimJobNumber(environment, nowMs);
  expect((await lstat(join(root, 'jobs'))).mode & 0o7777).toBe(0o1777);
});

it('removes claims that are older than two days, and nothing else', async () => {
  const jobs = join(root, 'jobs');
  await mkdir(jobs);
  const laterMs = nowMs + 3 * 24 * 3600 * 1000;
  for (const name of ['86400', '90000', 'notes', String(86400 + 3 * 24 * 3600 - 100)]) {
    await writeFile(join(jobs, name), '');
    if (name !== '90000') await utimes(join(jobs, name), nowMs / 1000, nowMs / 1000);
  }
  await claimJobNumber(environment, laterMs);
  const names = await readdir(jobs);
  expect(names).toEqual(expect.arrayContaining(['90000', 'notes', '345500', '345600']));
  expect(names).not.toContain('86400');
});

it('does not follow a symlink in place of the directory, but goes to the user’s own', async () => {
  await mkdir(join(root, 'elsewhere'));
  await symlink(join(root, 'elsewhere'), join(root, 'jobs'));
  expect(await claimJobNumber(environment, nowMs)).toBe('86400');
  expect(await readdir(join(root, 'elsewhere'))).toEqual([]);
  expect(await readdir(join(root, 'state', 'bcopy', 'jobs'))).toEqual(['86400']);
});

it('passes over a number that is taken by a symlink', async () => {
  await mkdir(join(root, 'jobs'));
  await symlink(join(root, 'target'), join(root, 'jobs', '86400'));
  expect(await claimJobNumber(environment, nowMs)).toBe('86401');
  expect(await readdir(root)).not.toContain('target');
});

it('says so when there is no place for numbers at all', async () => {
  await writeFile(join(root, 'jobs'), '');
  await writeFile(join(root, 'state'), '');
  await expect(claimJobNumber(environment, nowMs)).rejects.toMatchObject({ kind: 'noScheduler' });
});
