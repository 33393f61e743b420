import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mountSlow, type SlowFileSystem } from '../../bench/slow-file-system.ts';
import { makeManyFiles } from '../helpers/tree.ts';
import { announcedJob, rsyncDifferences, runDirectories, waitForStatus } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

/** A directory with `src` in it, and the number of a copy to `dst` that has come to its end. */
async function copied(): Promise<{ cwd: string; job: string; run: string }> {
  const cwd = world.directory();
  makeManyFiles(join(cwd, 'src'), { files: 20, directories: 3, bytes: 10 });
  giveToUser(cwd);
  const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait');
  expect(ran).toMatchObject({ exitCode: 0 });
  return { cwd, job: announcedJob(ran.stdout), run: runDirectories(cwd)[0]! };
}

const indexOf = (job: string) => `${world.env.XDG_STATE_HOME}/bcopy/jobs/${job}.json`;

/** All names below a directory, sorted; no symlink is followed. */
function namesBelow(directory: string): string[] {
  const names = execFileSync('find', [directory, '-mindepth', '1', '-printf', '%P\\n'], { encoding: 'utf8' });
  return names.trimEnd().split('\n').sort();
}

describe('a complete run', () => {
  it('is removed with its place in the index; logs and the copy stay', async () => {
    const { cwd, job, run } = await copied();
    for (const name of [`${job}.log.7.tmp`, '1.log.7.tmp']) writeFileSync(join(cwd, name), '');
    giveToUser(cwd);
    const would = await world.bcopy(cwd, 'clean', '--dry-run');
    expect(would).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^run \S+ would be removed: .*\n1 run, .* would be freed\.$/),
    });
    expect(existsSync(run)).toBe(true);
    const ran = await world.bcopy(cwd, 'clean');
    expect(ran).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringMatching(
        /^run \S+ is removed: \d\d files in \.bcopy, 0 temporary files at its destination\n1 run, .* are freed\.$/,
      ),
    });
    expect(readdirSync(cwd).sort()).toEqual(['1.log.7.tmp', `${job}.err`, `${job}.log`, 'dst', 'src']);
    expect(existsSync(indexOf(job))).toBe(false);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
    expect(await world.bcopy(cwd, 'clean', job)).toMatchObject({ exitCode: 10 });
    expect(await world.bcopy(cwd, 'clean')).toMatchObject({ exitCode: 0, stdout: 'Nothing is removed.' });
  });

  it('is removed from anywhere by its job number', async () => {
    const { cwd, job } = await copied();
    expect(await world.bcopy('/', 'clean', job)).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(cwd, '.bcopy'))).toBe(false);
  });

  it('is removed alone when its destination is another directory by now', async () => {
    const { cwd, job, run } = await copied();
    const temporary = `.bcopy.${basename(run)}.3.1-0-77`;
    mkdirSync(join(cwd, 'elsewhere'));
    renameSync(join(cwd, 'dst'), join(cwd, 'elsewhere/dst'));
    writeFileSync(join(cwd, 'elsewhere/dst', temporary), '');
    symlinkSync('elsewhere/dst', join(cwd, 'dst'));
    const ran = await world.bcopy(cwd, 'clean', job);
    expect(ran).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('its destination is not there any more'),
    });
    expect(existsSync(join(cwd, 'elsewhere/dst', temporary))).toBe(true);
    expect(existsSync(run)).toBe(false);
  });

  it('stays when its scheduler does not answer, and so do all others', async () => {
    const { cwd, run } = await copied();
    expect((await world.bcopy(cwd, '-s', 'src', '-d', 'other', '--wait')).exitCode).toBe(0);
    const file = join(run, 'attempts/1/attempt.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"scheduler": "local"', '"scheduler": "slurm"'));
    const before = namesBelow(join(cwd, '.bcopy'));
    expect(await world.bcopy(cwd, 'clean')).toMatchObject({ exitCode: 20, stdout: '' });
    expect(namesBelow(join(cwd, '.bcopy'))).toEqual(before);
  });

  it.skipIf(process.getuid?.() !== 0)('of somebody else stays', async () => {
    const { cwd, job, run } = await copied();
    chownSync(run, 0, 0);
    chmodSync(run, 0o755);
    const all = await world.bcopy(cwd, 'clean');
    expect(all).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('belongs to somebody else') });
    expect(await world.bcopy(cwd, 'clean', job)).toMatchObject({ exitCode: 6 });
    expect(existsSync(join(run, 'run.json'))).toBe(true);
  });
});

it('leaves no pieces of a large file that vanished while it was copied, and clean looks for them', async () => {
  const cwd = world.directory();
  mkdirSync(join(cwd, 'src'));
  writeFileSync(join(cwd, 'src/large'), Buffer.alloc(30 * 2 ** 20, 1));
  giveToUser(cwd);
  const slowly = ['--shards', '2', '--workers', '1', '--bwlimit', '15M'];
  const copying = world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait', ...slowly);
  while (temporaries(join(cwd, 'dst')).length === 0) await setTimeout(10);
  rmSync(join(cwd, 'src/large'));
  expect(await copying).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 that vanished') });
  expect(readdirSync(join(cwd, 'dst'))).toEqual([]);
  writeFileSync(join(cwd, 'dst', `.bcopy.${basename(runDirectories(cwd)[0]!)}.1.parts`), '');
  giveToUser(join(cwd, 'dst'));
  expect(await world.bcopy(cwd, 'clean')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('1 temporary file at its destination'),
  });
  expect(readdirSync(join(cwd, 'dst'))).toEqual([]);
});

it("SLURM's word is taken for its jobs", async () => {
  const fakes = await openWorld('fakes');
  try {
    const cwd = fakes.directory();
    makeManyFiles(join(cwd, 'src'), { files: 20, directories: 3, bytes: 10 });
    giveToUser(cwd);
    const trees = ['-s', 'src', '-d', 'dst'];
    expect(await fakes.bcopy(cwd, ...trees, '--wait')).toMatchObject({ exitCode: 0 });
    // Nothing of what is there has to be copied, and still it takes its time
    expect(await fakes.bcopy(cwd, ...trees, '--ops-limit', '1')).toMatchObject({ exitCode: 0 });
    expect(await fakes.bcopy(cwd, 'clean')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^run \S+ stays: job \d+ is pending .*\nrun \S+ is removed.*\n1 run,/),
    });
    expect(runDirectories(cwd)).toHaveLength(1);
  } finally {
    await fakes.close();
  }
});

it('a damaged run is removed only when it is named', async () => {
  const { cwd, run } = await copied();
  writeFileSync(join(run, 'plan.json'), '{');
  expect(await world.bcopy(cwd, 'clean')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(
      /stays: it is damaged \(.*plan\.json.*\); bcopy clean \d+ gives it up\nNoth/,
    ),
  });
  expect(await world.bcopy(cwd, 'clean', basename(run))).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('temporary files could not be looked for'),
  });
  expect(existsSync(join(cwd, '.bcopy'))).toBe(false);
});

it('a run that is under way stays', async () => {
  const cwd = world.directory();
  makeManyFiles(join(cwd, 'src'), { files: 1000, directories: 3, bytes: 10 });
  giveToUser(cwd);
  const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--ops-limit', '100');
  const job = announcedJob(ran.stdout);
  expect(await world.bcopy(cwd, 'clean', job)).toMatchObject({
    exitCode: 11,
    stderr: expect.stringContaining(`hint: bcopy cancel ${job} ends it`),
  });
  expect(await world.bcopy(cwd, 'clean')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/stays: job \d+ is pending or running; bcopy cancel \d+ ends it/),
  });
  expect(await world.bcopy(cwd, 'cancel', job)).toMatchObject({ exitCode: 0 });
  expect(await world.bcopy(cwd, 'clean')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('bcopy -s src -d dst --ops-limit 100 --retry goes on with it'),
  });
  expect(await world.bcopy(cwd, 'clean', job)).toMatchObject({ exitCode: 0 });
  expect(existsSync(join(cwd, '.bcopy'))).toBe(false);
});

const mounted = await mountSlow(5);
if (typeof mounted === 'string')
  console.log(`skipped: what killed workers leave without O_TMPFILE: ${mounted}`);

describe.skipIf(typeof mounted === 'string')('where files have temporary names', () => {
  const slow = mounted as SlowFileSystem;
  afterAll(() => slow.unmount());

  /** A copy whose worker and finish were killed, with what they have left at the destination. */
  async function killed(name: string): Promise<{ cwd: string; job: string; run: string; dst: string }> {
    const cwd = world.directory();
    makeManyFiles(join(cwd, 'src'), { files: 100, directories: 10, bytes: 1000 });
    writeFileSync(join(cwd, 'src/large'), 'begin');
    truncateSync(join(cwd, 'src/large'), 200 * 2 ** 20);
    giveToUser(cwd);
    chmodSync(slow.behind, 0o777);
    const trees = ['-s', 'src', '-d', `${slow.path}/${name}`];
    const ran = await world.bcopy(cwd, ...trees, '--shards', '2', '--workers', '2', '--threads', '4');
    const [run, dst] = [runDirectories(cwd)[0]!, join(slow.behind, name)];
    killSupervisorOfFinish(run);
    await killWorkersAt(run, () => {
      const names = temporaries(dst);
      return [/\.parts$/, /\.\d+-\d+-\d+$/].every((kind) => names.some((name) => kind.test(name)));
    });
    const job = announcedJob(ran.stdout);
    await waitForStatus(world, cwd, job, ({ phase }) => phase === 'incomplete');
    expect(temporaries(dst).length).toBeGreaterThan(1);
    return { cwd, job, run, dst };
  }

  it('those of a run that is given up are removed, and nothing else', async () => {
    const { cwd, job, run, dst } = await killed('given-up');
    const id = basename(run);
    const mine = (ordinal: number) => `.bcopy.${id}.${ordinal}.1-0-99`;
    const others = [
      '.bcopy.notes',
      `.bcopy.${id}.notes`,
      `.bcopy.${id}.1.1-0-99.bak`,
      '.bcopy.20200101-000000-abcd.1.1-0-99',
      '.bcopy.20200101-000000-abcd.1.parts',
    ];
    for (const name of others) writeFileSync(join(dst, name), name);
    mkdirSync(join(dst, `.bcopy.${id}.6.parts`));
    writeFileSync(join(cwd, 'precious'), 'precious');
    symlinkSync(join(cwd, 'precious'), join(dst, mine(5)));
    // A directory that somebody has put a symlink for
    mkdirSync(join(cwd, 'outside'));
    writeFileSync(join(cwd, 'outside', mine(7)), '');
    execFileSync('rm', ['-rf', join(dst, 'd3')]);
    symlinkSync(join(cwd, 'outside'), join(dst, 'd3'));
    // A directory that finish had been at
    mkdirSync(join(dst, 'd4'), { recursive: true });
    writeFileSync(join(dst, 'd4', mine(8)), '');
    giveToUser(dst);
    chmodSync(join(dst, 'd4'), 0o555);
    utimesSync(join(dst, 'd4'), 1000, 2000);
    // A directory that is closed to its owner
    mkdirSync(join(dst, 'd5'), { recursive: true });
    chmodSync(join(dst, 'd5'), 0);
    const isOfRun = (name: string) => /^\.bcopy\.[\d-]+-[0-9a-f]{4}\.\d+\.(parts|\d+-\d+-\d+)$/.test(name);
    const kept = namesBelow(dst).filter((name) => {
      const base = basename(name);
      return !isOfRun(base) || !base.includes(id) || base.endsWith('.6.parts');
    });

    const all = await world.bcopy(cwd, 'clean');
    expect(all).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`--retry goes on with it; bcopy clean ${job} gives it up`),
    });
    const before = namesBelow(dst);
    const count = before.length - kept.length;
    const would = await world.bcopy(cwd, 'clean', job, '--dry-run');
    expect(would.stdout).toContain(`${count} temporary files at its destination (2 places left alone`);
    expect(namesBelow(dst)).toEqual(before);

    const ran = await world.bcopy(cwd, 'clean', job);
    expect(ran).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`${count} temporary files at its destination (2 places left alone`),
    });
    expect(namesBelow(dst)).toEqual(kept);
    expect(others.map((name) => readFileSync(join(dst, name), 'utf8'))).toEqual(others);
    expect(readFileSync(join(cwd, 'precious'), 'utf8')).toBe('precious');
    expect(readdirSync(join(cwd, 'outside'))).toEqual([mine(7)]);
    expect(lstatSync(join(dst, 'd4'))).toMatchObject({ mode: 0o40555, mtimeMs: 2_000_000 });
    expect(existsSync(join(cwd, '.bcopy'))).toBe(false);
  });

  it('those that outlived a completed run are removed with it', async () => {
    const { cwd, run, dst } = await killed('completed');
    const trees = ['-s', 'src', '-d', `${slow.path}/completed`];
    const ran = await world.bcopy(cwd, ...trees, '--retry', '--wait');
    expect(ran).toMatchObject({ exitCode: 0 });
    const leftover = join(dst, 'd1', `.bcopy.${basename(run)}.9.1-0-99`);
    writeFileSync(leftover, 'x'.repeat(5000));
    giveToUser(leftover);
    expect(await world.bcopy(cwd, 'clean')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('1 temporary file at its destination\n'),
    });
    expect(temporaries(dst)).toEqual([]);
    expect(await rsyncDifferences(join(cwd, 'src'), dst, '--omit-dir-times')).toBe('');
  });
});

function temporaries(directory: string): string[] {
  if (!existsSync(directory)) return [];
  // Workers make and rename files meanwhile
  const names = execFileSync('find', [directory, '-name', '.bcopy.*'], { encoding: 'utf8' });
  return names.split('\n').filter((name) => name !== '');
}

/** Then finish never begins. */
function killSupervisorOfFinish(run: string): void {
  const { job } = JSON.parse(readFileSync(join(run, 'attempts/1/job-finish.json'), 'utf8')) as {
    job: string;
  };
  const [first = ''] = readFileSync(join(run, 'local', `${job}.events.jsonl`), 'utf8').split('\n');
  process.kill((JSON.parse(first) as { pid: number }).pid, 'SIGKILL');
}

/** Ends a run's workers at a moment when something holds: they are stopped, and go on until then. */
async function killWorkersAt(run: string, holds: () => boolean): Promise<void> {
  for (;;) {
    const workers = workersOf(run);
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    // What the file system was asked for already is done meanwhile
    await setTimeout(50);
    const isMoment = workers.length > 0 && holds();
    for (const pid of workers) process.kill(pid, isMoment ? 'SIGKILL' : 'SIGCONT');
    if (isMoment) return;
    await setTimeout(20);
  }
}

/** The workers whose current directory is the run's. */
function workersOf(run: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const isHere = readlinkSync(`/proc/${pid}/cwd`) === run;
      return isHere && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('workers/main.js\0task');
    } catch {
      return false;
    }
  });
}
