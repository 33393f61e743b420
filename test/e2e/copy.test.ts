import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  fifo,
  file,
  hardLinkTo,
  makeManyFiles,
  makeTree,
  readTree,
  symlinkTo,
  tree,
} from '../helpers/tree.ts';
import {
  announcedJob,
  readJournalsOf,
  readPlanOf,
  rsyncDifferences,
  runDirectories,
  waitForStatus,
} from './run-files.ts';
import { giveToUser, openOrSkip, openWorld, type World } from './world.ts';

const literal = tree([
  ['empty', file('', { mtimeNs: 1_234_567_890_123_456_789n })],
  ['old', file('before 1970', { mtimeNs: -1_000_000_001n })],
  ['script', file('#!/bin/sh\n', { mode: 0o755 })],
  ['secret', file('x', { mode: 0o600 })],
  ['read only', file('y', { mode: 0o444 })],
  ['it\'s $(touch pwned) "quoted"', file('z')],
  ['new\nline', file('n')],
  [Buffer.from([0x66, 0xff, 0xfe]), file('bytes')],
  ['n'.repeat(255), file('long')],
  [
    'sub',
    {
      deep: { deeper: { f: 'f', g: hardLinkTo('secret') } },
      none: {},
      link: symlinkTo('../secret'),
      dangling: symlinkTo('nowhere'),
    },
  ],
  ['first', hardLinkTo('script')],
  ['pipe', fifo({ mode: 0o640 })],
]);

const { open, skipped } = openOrSkip(['local', 'fakes', 'slurm']);
if (skipped.length > 0) it.skip(`copies with ${skipped.join()}`, () => undefined);

describe.each(open)('a copy with %s', (name) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(name);
  });
  afterAll(() => world.close());

  it('gives the same literal back, and says what it did', async () => {
    const cwd = world.directory();
    await makeTree(join(cwd, 'src'), literal);
    chmodSync(join(cwd, 'src/sub/none'), 0o555);
    giveToUser(join(cwd, 'src'));
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait');
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    const job = announcedJob(ran.stdout);
    expect(ran.stdout).toMatch(/^source: +src\ndestination: +dst\n/);
    expect(ran.stdout).toContain(name === 'local' ? 'queue <local>' : 'queue <copy>');
    expect(await readTree(join(cwd, 'dst'))).toEqual(await readTree(join(cwd, 'src')));
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
    expect(readFileSync(join(cwd, `${job}.err`), 'utf8')).toBe('');
    const log = readFileSync(join(cwd, `${job}.log`), 'utf8');
    expect(log).toMatch(/^planned +20 +\d+$/m);
    expect(log).toMatch(/^copied +18 +\d+$/m);
    expect(log).toMatch(/^linked +2 +0$/m);
    expect(log.trimEnd()).toMatch(/All 15 files are copied\.$/);
  });

  it('tells how content was copied when it is asked to', async () => {
    const cwd = world.directory();
    await makeTree(join(cwd, 'src'), { a: 'a', b: 'b', empty: '', link: symlinkTo('a'), d: { c: 'c' } });
    giveToUser(join(cwd, 'src'));
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait', '-v');
    const log = readFileSync(join(cwd, `${announcedJob(ran.stdout)}.log`), 'utf8');
    expect(log).toMatch(/^ways {9}read\/write 3$/m);
  });

  it('returns at once, and status, logs and a second copy tell what became of it', async () => {
    const cwd = world.directory();
    makeManyFiles(join(cwd, 'src'), { files: 300, directories: 5, bytes: 100 });
    giveToUser(join(cwd, 'src'));
    const first = await world.bcopy(cwd, '-s', 'src', '-d', 'dst');
    const job = announcedJob(first.stdout);
    expect(first.stderr).toContain(`bcopy status ${job}`);
    expect(existsSync(join(cwd, `${job}.log`))).toBe(true);
    const facts = await waitForStatus(world, cwd, job, ({ phase }) => phase === 'complete');
    expect(facts.account.left).toEqual({ entries: 0, bytes: 0 });
    expect((await world.bcopy('/', 'status', job)).stdout).toContain(`job ${job}: complete`);
    expect((await world.bcopy(cwd, 'status')).stdout).toMatch(new RegExp(`^${job} +complete +100 %`));
    expect((await world.bcopy(cwd, 'logs', job)).stdout).toContain('All 300 files are copied.');
    expect((await world.bcopy(cwd, 'logs', job, '--shard', '0')).stdout).toContain(`task ${job}_0`);
    const inodes = inodesOf(join(cwd, 'dst'));
    const second = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait');
    expect(second.exitCode).toBe(0);
    expect(readFileSync(join(cwd, `${announcedJob(second.stdout)}.log`), 'utf8')).toMatch(/^copied +0 +0$/m);
    expect(inodesOf(join(cwd, 'dst'))).toEqual(inodes);
  });

  it('tells a file that cannot be read, and --retry copies that file and nothing else', async () => {
    const cwd = world.directory();
    makeManyFiles(join(cwd, 'src'), { files: 400, directories: 4, bytes: 50 });
    writeFileSync(join(cwd, 'src/closed'), 'secret');
    giveToUser(join(cwd, 'src'));
    chmodSync(join(cwd, 'src/closed'), 0);
    const first = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--shards', '3', '--wait');
    const job = announcedJob(first.stdout);
    expect(first.exitCode).toBe(3);
    expect(readFileSync(join(cwd, `${job}.err`), 'utf8')).toMatch(
      /^1 failed: permission denied \(EACCES\)\n {2}closed \(open source\)\n {2}what to do: /,
    );
    expect(readFileSync(join(cwd, `${job}.log`), 'utf8')).toContain(
      '-s src -d dst --shards 3 --wait --retry',
    );
    if (world.name !== 'local') await expectFailedStates(world, cwd, job);
    const before = inodesOf(join(cwd, 'dst'));

    chmodSync(join(cwd, 'src/closed'), 0o644);
    const second = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait', '--retry');
    expect(second).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(cwd, 'dst/closed'), 'utf8')).toBe('secret');
    const after = inodesOf(join(cwd, 'dst'));
    after.delete('closed');
    expect(after).toEqual(before);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
    const third = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--retry');
    expect(third).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Nothing is left to copy') });
  });

  it('divides a large file between tasks, so that no shard is 1 % longer than the mean', async () => {
    const cwd = world.directory();
    makeManyFiles(join(cwd, 'src'), { files: 2000, directories: 10, bytes: 10 });
    writeFileSync(join(cwd, 'src/large'), 'begin');
    truncateSync(join(cwd, 'src/large'), 1500 * 1024 ** 2);
    execFileSync('sh', [
      '-c',
      'for i in 0 300 777 1400; do head -c 3000000 /dev/urandom | dd of="$0" bs=1M seek=$i conv=notrunc status=none; done',
      join(cwd, 'src/large'),
    ]);
    giveToUser(join(cwd, 'src'));
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--workers', '4', '--shards', '4', '--wait');
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    const costs = readPlanOf(cwd).shards.map(({ cost }) => cost);
    expect(costs).toHaveLength(4);
    expect(Math.max(...costs) / (costs.reduce((a, b) => a + b) / costs.length)).toBeLessThan(1.01);
    const writers = readJournalsOf(cwd)
      .filter(({ line }) => line.type === 'part')
      .map(({ file }) => file.split('.')[0]);
    expect(new Set(writers).size).toBeGreaterThan(1);
    execFileSync('cmp', [join(cwd, 'src/large'), join(cwd, 'dst/large')]);
    expect(statSync(join(cwd, 'dst/large')).blocks).toBeLessThanOrEqual(
      statSync(join(cwd, 'src/large')).blocks + 64,
    );
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
  });

  it('goes on with --retry after a cancel in the middle', async () => {
    const cwd = world.directory();
    makeManyFiles(join(cwd, 'src'), { files: 20_000, directories: 50, bytes: 300 });
    giveToUser(join(cwd, 'src'));
    const first = await world.bcopy(
      cwd,
      '-s',
      'src',
      '-d',
      'dst',
      '--workers',
      '1',
      '--shards',
      '6',
      '--cpus-per-task',
      '1',
    );
    const job = announcedJob(first.stdout);
    await waitForStatus(
      world,
      cwd,
      job,
      ({ account, phase }) => account.copied.entries > 0 || phase !== 'pending',
    );
    expect((await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--retry')).exitCode).toBe(11);
    expect((await world.bcopy(cwd, '-s', 'src', '-d', 'dst')).exitCode).toBe(11);
    expect(await world.bcopy(cwd, 'cancel', job)).toMatchObject({ exitCode: 0 });
    const cut = await waitForStatus(world, cwd, job, ({ phase }) => phase === 'incomplete');
    expect(cut.account.left.entries).toBeGreaterThan(0);
    const second = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--retry', '--wait');
    expect(second).toMatchObject({ exitCode: 0 });
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
    expect(readFileSync(join(cwd, `${announcedJob(second.stdout)}.log`), 'utf8')).toMatch(
      /^not done +0 +0$/m,
    );
  });

  it('prints only the job number with --parsable, and submits nothing with --dry-run', async () => {
    const cwd = world.directory();
    await makeTree(join(cwd, 'src'), { f: 'f' });
    giveToUser(join(cwd, 'src'));
    const plan = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--dry-run');
    expect(plan).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('#!/bin/bash') });
    if (world.name !== 'local')
      expect(plan.stdout).toMatch(/^sbatch --parsable --job-name=bcopy-.* --array=0%8 /m);
    expect(readdirSync(cwd)).toEqual(['src']);
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--parsable', '--wait');
    expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+$/), stderr: '' });
  });
});

/** Inode and ctime of everything in a tree: what changes when anything is written anew. */
function inodesOf(root: string): Map<string, string> {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const entries = paths.map((path) => [path, lstatSync(join(root, path), { bigint: true })] as const);
  return new Map(
    entries
      .filter(([, status]) => !status.isDirectory())
      .map(([path, { ino, ctimeNs }]) => [path, `${ino} ${ctimeNs}`]),
  );
}

/** SLURM itself must say that the task with the failure failed, and finish too. */
async function expectFailedStates(world: World, cwd: string, job: string): Promise<void> {
  const attempt = join(runDirectories(cwd).at(-1)!, 'attempts/1');
  const finish = JSON.parse(readFileSync(join(attempt, 'job-finish.json'), 'utf8')) as { job: string };
  // The controller hears of the end of finish a moment after finish has written its last line
  await vi.waitFor(async () => {
    const { stdout } = await world.run(
      '/',
      'squeue',
      '-h',
      '-r',
      '-t',
      'all',
      '-j',
      `${job},${finish.job}`,
      '-o',
      '%F %T',
    );
    expect(stdout.split('\n').sort()).toEqual(
      [`${job} COMPLETED`, `${job} COMPLETED`, `${job} FAILED`, `${finish.job} FAILED`].sort(),
    );
  }, 20_000);
}
