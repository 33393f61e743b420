import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeManyFiles } from '../helpers/tree.ts';
import {
  announcedJob,
  readJournalsOf,
  rsyncDifferences,
  runDirectories,
  waitForStatus,
} from './run-files.ts';
import { giveToUser, openOrSkip, openWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

function prepared(): string {
  const cwd = world.directory();
  makeManyFiles(join(cwd, 'src'), { files: 300, directories: 6, bytes: 20 });
  giveToUser(join(cwd, 'src'));
  return cwd;
}

function submissions(): string[][] {
  return world.fake!.sbatchCalls().filter((call) => call.includes('--parsable'));
}

const copyArgs = ['-s', 'src', '-d', 'dst', '--shards', '3'];

describe('a scheduler that is not to be trusted', () => {
  beforeEach(async () => {
    world = await openWorld('fakes');
  });

  it('shows the words of a refusal, exits 21, and the run can be submitted with --retry', async () => {
    const cwd = prepared();
    world.fake!.knob(
      'refuse',
      'sbatch: error: Batch job submission failed: Job violates accounting/QOS policy',
    );
    const refused = await world.bcopy(cwd, ...copyArgs);
    expect(refused).toMatchObject({
      exitCode: 21,
      stderr: expect.stringContaining('Job violates accounting/QOS policy'),
    });
    expect(readdirSync(cwd).sort()).toEqual(['.bcopy', 'src']);
    expect((await world.bcopy(cwd, 'status')).stdout).toMatch(/^- +not submitted/);
    world.fake!.clear('refuse');
    expect(await world.bcopy(cwd, ...copyArgs, '--retry', '--wait')).toMatchObject({ exitCode: 0 });
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
  });

  it('cancels the tasks when finish is refused, so that an attempt runs whole or not at all', async () => {
    const cwd = prepared();
    world.fake!.knob('refuse-finish', 'sbatch: error: Batch job submission failed: Unspecified error');
    expect(await world.bcopy(cwd, ...copyArgs)).toMatchObject({ exitCode: 21 });
    expect(world.fake!.scancelCalls()).toHaveLength(1);
    world.fake!.clear('refuse-finish');
    expect(await world.bcopy(cwd, ...copyArgs, '--retry', '--wait')).toMatchObject({ exitCode: 0 });
  });

  it('submits once when sbatch timed out and had been accepted', async () => {
    const cwd = prepared();
    world.fake!.knob('timeout-but-accepted', 1);
    expect(await world.bcopy(cwd, ...copyArgs, '--wait')).toMatchObject({ exitCode: 0 });
    expect(submissions()).toHaveLength(2);
  });

  it('asks again when sbatch timed out and had not been accepted', async () => {
    const cwd = prepared();
    world.fake!.knob('timeout', 1);
    expect(await world.bcopy(cwd, ...copyArgs, '--wait')).toMatchObject({ exitCode: 0 });
    expect(submissions()).toHaveLength(3);
  });

  it('ends well without accounting, and when squeue has forgotten the jobs', async () => {
    const cwd = prepared();
    world.fake!.knob('accounting-off');
    world.fake!.knob('forget');
    const ran = await world.bcopy(cwd, ...copyArgs, '--wait');
    expect(ran).toMatchObject({ exitCode: 0 });
    expect((await world.bcopy(cwd, 'status', announcedJob(ran.stdout))).stdout).toContain(': complete');
  });

  it('tells a task that was killed, and --retry does what it left', async () => {
    const cwd = prepared();
    world.fake!.knob('kill-task', '1 NODE_FAIL after=0');
    const ran = await world.bcopy(cwd, ...copyArgs, '--wait');
    expect(ran).toMatchObject({ exitCode: 3 });
    const job = announcedJob(ran.stdout);
    expect(readFileSync(join(cwd, `${job}.err`), 'utf8')).toMatch(/entries are not done: .*\n {2}shard 1: /);
    world.fake!.clear('kill-task');
    const retry = await world.bcopy(cwd, ...copyArgs, '--retry', '--wait');
    expect(retry).toMatchObject({ exitCode: 0 });
    expect(world.fake!.sbatchCalls().at(-2)).toContain('--array=1%8');
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
  });

  it('stands a task that SLURM starts again while the old one lives', async () => {
    const cwd = prepared();
    world.fake!.knob('requeue-task', '0 keep-old after=0');
    expect(await world.bcopy(cwd, ...copyArgs, '--wait')).toMatchObject({ exitCode: 0 });
    expect(readJournalsOf(cwd).some(({ file }) => file.startsWith('0.1-1-'))).toBe(true);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
  });

  it('takes a state that nobody has heard of for unknown', async () => {
    const cwd = prepared();
    world.fake!.knob('strange-state', '1 TELEPORTING');
    expect(await world.bcopy(cwd, ...copyArgs, '--wait')).toMatchObject({ exitCode: 0 });
  });

  it('tells the reason of a job that will never start', async () => {
    const cwd = prepared();
    world.fake!.knob('never-start', 'PartitionTimeLimit');
    const { stdout } = await world.bcopy(cwd, ...copyArgs);
    const facts = await waitForStatus(world, cwd, announcedJob(stdout), ({ shards }) => shards.length > 0);
    expect(facts.shards[0]).toMatchObject({ phase: 'stuck', reason: 'PartitionTimeLimit' });
    expect((await world.bcopy(cwd, 'status', announcedJob(stdout))).stdout).toContain('PartitionTimeLimit');
    await world.bcopy(cwd, 'cancel', announcedJob(stdout));
  });

  it('makes more than one array where MaxArraySize asks for it', async () => {
    const cwd = prepared();
    world.fake!.knob('max-array-size', 4);
    expect(await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--shards', '9', '--wait')).toMatchObject({
      exitCode: 0,
    });
    const arrays = world
      .fake!.sbatchCalls()
      .flatMap((call) => call.filter((word) => word.startsWith('--array=')));
    expect(arrays).toEqual(['--array=0-3%8', '--array=0-3%8', '--array=0%8']);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
  });

  it('ignores what stray SBATCH variables say', async () => {
    const cwd = prepared();
    const stray = [
      'SBATCH_ARRAY_INX=7',
      'SBATCH_OUTPUT=/nowhere/x',
      'SBATCH_WAIT=1',
      'SBATCH_EXPORT=NONE',
      'SBATCH_PARTITION=standard',
    ];
    const program = (await import('vitest')).inject('installed');
    const ran = await world.run(
      cwd,
      'env',
      ...stray,
      `${program}/dist/js/cli/main.js`,
      ...copyArgs,
      '--wait',
    );
    expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('to queue <standard>') });
  });

  it('uses the templates of a site, and refuses one that lacks what bcopy needs', async () => {
    const cwd = prepared();
    const site = world.directory();
    const ours = (await import('vitest')).inject('installed');
    const text = readFileSync(`${ours}/templates/task.sbatch.hbs`, 'utf8');
    writeFileSync(
      join(site, 'task.sbatch.hbs'),
      text.replace('#!/bin/bash\n', '#!/bin/bash\necho site was here\n'),
    );
    chmodSync(join(site, 'task.sbatch.hbs'), 0o644);
    expect(await world.bcopy(cwd, ...copyArgs, '--templates', site, '--wait')).toMatchObject({ exitCode: 0 });
    const logs = join(runDirectories(cwd)[0]!, 'logs/1');
    expect(
      readFileSync(join(logs, readdirSync(logs).find((name) => name.endsWith('_0.log'))!), 'utf8'),
    ).toMatch(/^site was here\n/);
    writeFileSync(
      join(site, 'task.sbatch.hbs'),
      '#!/bin/bash\nexec {{sh node}} {{sh worker}} task {{attempt}}\n',
    );
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'new', '--templates', site);
    expect(ran).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/task\.sbatch\.hbs.*(array|runId)/),
    });
    expect(readdirSync(cwd)).not.toContain('new');
  });
});

const { open, skipped } = openOrSkip(['slurm']);
if (skipped.length > 0) it.skip('a real controller that is in trouble', () => undefined);

describe.each(open)('a real controller that is in trouble', () => {
  beforeEach(async () => {
    world = await openWorld('slurm');
  });

  it('says no to a partition: exit 21 with its words', async () => {
    const cwd = prepared();
    const ran = await world.bcopy(cwd, ...copyArgs, '--partition', 'nosuch');
    expect(ran).toMatchObject({
      exitCode: 21,
      stderr: expect.stringContaining('invalid partition specified: nosuch'),
    });
  });

  it('hangs while the job is submitted: it is submitted once', async () => {
    const cwd = prepared();
    // Limits are asked for first, so the pause has to fall between them and sbatch: the scan of a slow moment
    const slow = world.bcopy(cwd, ...copyArgs, '--wait');
    await world.cluster!.pauseController();
    await new Promise((resolve) => setTimeout(resolve, 8000));
    await world.cluster!.resumeController();
    expect(await slow).toMatchObject({ exitCode: 0 });
    const { stdout } = await world.run('/', 'squeue', '-h', '-t', 'all', '-o', '%j');
    const names = stdout.split('\n').filter((name) => name.endsWith('-0'));
    expect(new Set(names).size).toBe(1);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
  });

  it('goes away for good after the submission: the journals tell the truth', async () => {
    const cwd = prepared();
    const ran = await world.bcopy(cwd, ...copyArgs, '--wait');
    await world.cluster!.stopController();
    expect((await world.bcopy(cwd, 'status', announcedJob(ran.stdout))).stdout).toContain(': complete');
    await world.cluster!.startController();
  });
});
