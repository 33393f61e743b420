import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { makeManyFiles } from '../helpers/tree.ts';
import { announcedJob, rsyncDifferences, runDirectories, waitForStatus } from './run-files.ts';
import { giveToUser, openOrSkip, openWorld, type World } from './world.ts';

const { open } = openOrSkip(['local', 'slurm']);

/** 600 files that one task, held back, needs some seconds for. */
const args = ['-s', 'src', '-d', 'dst', '--shards', '2', '--workers', '2', '--checkpoint', '0.2'];
const slowly = ['--ops-limit', '100', '--cpus-per-task', '1'];

function prepared(world: World): string {
  const cwd = world.directory();
  makeManyFiles(join(cwd, 'src'), { files: 600, directories: 6, bytes: 20 });
  giveToUser(join(cwd, 'src'));
  return cwd;
}

/** The process that works on a shard in this attempt: its journal tells. */
async function workerOf(cwd: string, shard: number, attempt = 1): Promise<number> {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const [run = ''] = existsSync(join(cwd, '.bcopy')) ? runDirectories(cwd) : [];
    const journals = join(run, 'journals');
    const names = existsSync(journals) ? readdirSync(journals) : [];
    const name = names.find((file) => file.startsWith(`${shard}.${attempt}-`));
    const isRecorded = name !== undefined && readFileSync(join(journals, name), 'utf8').includes('"done"');
    if (isRecorded) return Number(/-(\d+)\.jsonl$/.exec(name)![1]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no worker of shard ${shard} has recorded anything`);
}

describe.each(open)('a copy on %s', (name) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(name, 2);
  });
  afterAll(() => world?.close());

  it('goes on by itself after its worker was killed, under the number that was announced', async () => {
    const cwd = prepared(world);
    const job = announcedJob((await world.bcopy(cwd, ...args, ...slowly)).stdout);
    process.kill(await workerOf(cwd, 0), 'SIGKILL');
    const status = await waitForStatus(world, cwd, job, ({ phase }) => phase === 'complete');
    expect(status).toMatchObject({ job, attempt: 2, account: { left: { entries: 0 } } });
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
    expect(readFileSync(join(cwd, `${job}.log`), 'utf8')).toContain('All 600 files are copied.');
    expect(readFileSync(join(cwd, `${job}.err`), 'utf8')).toBe('');
    expect(readdirSync(cwd).filter((file) => file.endsWith('.log'))).toEqual([`${job}.log`]);
    expect((await world.bcopy(cwd, 'logs', job)).stdout).toContain(`job ${job}, attempt 2`);
    expect((await world.bcopy(cwd, 'logs', job, '--shard', '0')).stdout).toContain('attempt 2');
    expect((await world.bcopy(cwd, ...args, '--retry')).stdout).toContain('Nothing is left');
  });

  it('goes on after a warning, and --wait waits for all of it', async () => {
    const cwd = prepared(world);
    const ran = world.bcopy(cwd, ...args, ...slowly, '--wait');
    process.kill(await workerOf(cwd, 1), 'SIGUSR1');
    const { exitCode, stderr } = await ran;
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('attempt 2 goes on with what is left, as job'),
    });
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
  });

  it('ends where only a person can help, and says so', async () => {
    const cwd = prepared(world);
    writeFileSync(join(cwd, 'src/closed'), 'x');
    giveToUser(join(cwd, 'src'));
    chmodSync(join(cwd, 'src/closed'), 0);
    const ran = await world.bcopy(cwd, ...args, '--wait');
    expect(ran.exitCode).toBe(3);
    const job = announcedJob(ran.stdout);
    const log = readFileSync(join(cwd, `${job}.log`), 'utf8');
    expect(log).toContain('It does not go on by itself: only a person can mend permission denied (EACCES).');
    expect(log).toContain('bcopy -s src -d dst --shards 2 --workers 2 --checkpoint 0.2 --wait --retry');
    const status = await world.bcopy(cwd, 'status', job);
    expect(status.stdout).toContain('it does not go on by itself: only a person can mend');
    expect(readdirSync(join(runDirectories(cwd)[0]!, 'attempts'))).toEqual(['1']);
  });

  it.each([
    ['--no-continue', undefined],
    ['--max-attempts=1', '1 of 1 attempts are made (--max-attempts)'],
  ])('leaves the rest to --retry with %s', async (option, why) => {
    const cwd = prepared(world);
    const ran = world.bcopy(cwd, ...args, ...slowly, option, '--wait');
    process.kill(await workerOf(cwd, 0), 'SIGKILL');
    const { exitCode, stdout } = await ran;
    expect(exitCode).toBe(3);
    const log = readFileSync(join(cwd, `${announcedJob(stdout)}.log`), 'utf8');
    if (why === undefined) expect(log).not.toContain('by itself');
    else expect(log).toContain(why);
    expect(await world.bcopy(cwd, ...args, '--retry', '--wait')).toMatchObject({ exitCode: 0 });
  });

  it('is ended by cancel in its second attempt, and --retry goes on', async () => {
    const cwd = prepared(world);
    const job = announcedJob((await world.bcopy(cwd, ...args, '--ops-limit', '40')).stdout);
    process.kill(await workerOf(cwd, 0), 'SIGKILL');
    // Shard 1 must not hold the next attempt up
    process.kill(await workerOf(cwd, 1), 'SIGKILL');
    await workerOf(cwd, 0, 2);
    expect(await world.bcopy(cwd, 'cancel', job)).toMatchObject({ exitCode: 0 });
    const status = await waitForStatus(world, cwd, job, ({ phase }) => phase === 'incomplete');
    expect(status).toMatchObject({ job, attempt: 2 });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(readdirSync(join(runDirectories(cwd)[0]!, 'attempts'))).toEqual(['1', '2']);
    expect(await world.bcopy(cwd, ...args, '--retry', '--wait')).toMatchObject({ exitCode: 0 });
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
  });
});

describe.runIf(open.includes('slurm'))('a copy on a cluster', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld('slurm', 2);
  });
  afterAll(() => world?.close());

  it('goes on after its time limit', async () => {
    const cwd = prepared(world);
    const job = announcedJob((await world.bcopy(cwd, ...args, ...slowly)).stdout);
    await workerOf(cwd, 0);
    await world.run(cwd, 'scontrol', 'update', `jobid=${job}_0`, 'endtime=now+1');
    const status = await waitForStatus(world, cwd, job, ({ phase }) => phase === 'complete');
    expect(status.attempt).toBeGreaterThanOrEqual(1);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
  });

  it('stays ended when a person has cancelled its tasks', async () => {
    const cwd = prepared(world);
    const job = announcedJob((await world.bcopy(cwd, ...args, ...slowly)).stdout);
    await workerOf(cwd, 0);
    await world.run(cwd, 'scancel', job);
    await waitForStatus(world, cwd, job, ({ phase }) => phase === 'incomplete');
    expect(readFileSync(join(cwd, `${job}.err`), 'utf8')).toMatch(/task \d+_\d was cancelled/);
    expect(await world.bcopy(cwd, ...args, '--retry', '--wait')).toMatchObject({ exitCode: 0 });
  });

  it('says what to type where a job may not submit jobs', async () => {
    const cwd = prepared(world);
    // A node on which sbatch refuses, from the moment when the user has submitted
    const bin = join(cwd, 'bin');
    const wrapper = `#!/bin/sh
if [ -e ${bin}/refuses ]; then echo "sbatch: error: Access denied" >&2; exit 1; fi
exec /usr/bin/sbatch "$@"
`;
    await world.run(cwd, 'mkdir', bin);
    writeFileSync(join(bin, 'sbatch'), wrapper, { mode: 0o755 });
    const path = { ...world.env, PATH: `${bin}:${world.env.PATH}` };
    const command = ['env', `PATH=${path.PATH}`, bcopyProgram(), ...args, ...slowly];
    const job = announcedJob((await world.run(cwd, command[0]!, ...command.slice(1))).stdout);
    writeFileSync(join(bin, 'refuses'), '');
    process.kill(await workerOf(cwd, 0), 'SIGKILL');
    await waitForStatus(world, cwd, job, ({ phase }) => phase === 'incomplete');
    const log = readFileSync(join(cwd, `${job}.log`), 'utf8');
    expect(log).toMatch(/It does not go on by itself: slurm refused the job: sbatch: error: Access denied/);
    expect(log).toContain('--retry');
    rmSync(bin, { recursive: true });
    expect(await world.bcopy(cwd, ...args, '--retry', '--wait')).toMatchObject({ exitCode: 0 });
  });
});

function bcopyProgram(): string {
  return `${inject('installed')}/dist/js/cli/main.js`;
}
