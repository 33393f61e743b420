import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeManyFiles } from '../helpers/tree.ts';
import { announcedJob, runDirectories, waitForStatus } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

function prepared(): string {
  const cwd = world.directory();
  makeManyFiles(join(cwd, 'src'), { files: 4000, directories: 10, bytes: 100 });
  giveToUser(join(cwd, 'src'));
  return cwd;
}

describe('a finish that does not do its part', () => {
  it('cannot begin: --wait ends with 3 and writes the logs in its stead', async () => {
    const cwd = prepared();
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--worker', '/nowhere/main.js', '--wait');
    expect(ran).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('4,011 not done') });
    const job = announcedJob(ran.stdout);
    expect(readFileSync(join(cwd, `${job}.log`), 'utf8')).toMatch(/^not done +4,011 /m);
    expect(readFileSync(join(cwd, `${job}.err`), 'utf8')).toContain('its task never started');
  });

  it('is cancelled with the tasks: cancel writes the logs in its stead', async () => {
    const cwd = prepared();
    const { stdout } = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--shards', '4', '--workers', '1');
    const job = announcedJob(stdout);
    await waitForStatus(world, cwd, job, ({ phase }) => phase === 'running');
    await world.bcopy(cwd, 'cancel', job);
    expect(readFileSync(join(cwd, `${job}.log`), 'utf8')).toContain('To copy what is missing:');
    expect(readFileSync(join(cwd, `${job}.err`), 'utf8')).toContain('not done');
    const retry = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--shards', '4', '--retry', '--wait');
    expect(retry).toMatchObject({ exitCode: 0 });
  });
});

it('finds jobs again whose numbers nobody could note, and takes the run for busy', async () => {
  const cwd = prepared();
  const args = ['-s', 'src', '-d', 'dst', '--shards', '4', '--workers', '1'];
  await world.bcopy(cwd, ...args);
  // What a command leaves that is killed between the scheduler's answer and its own note
  const attempt = join(runDirectories(cwd)[0]!, 'attempts/1');
  for (const name of ['job-0.json', 'job-finish.json']) rmSync(join(attempt, name));
  expect((await world.bcopy(cwd, 'status')).stdout).toContain('not submitted');
  const busy = await world.bcopy(cwd, ...args, '--retry');
  expect(busy).toMatchObject({ exitCode: 11 });
  const job = /job (\d+)/.exec(busy.stderr)![1]!;
  await waitForStatus(world, cwd, job, ({ phase }) => phase === 'complete');
});

it('shows the log of the job that was asked for, also after a retry', async () => {
  const cwd = prepared();
  const first = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--worker', '/nowhere/main.js', '--wait');
  await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--retry', '--wait');
  const job = announcedJob(first.stdout);
  const log = await world.bcopy(cwd, 'logs', job, '--shard', '0', '--err');
  expect(log.stdout).toContain('/nowhere/main.js');
});
