import {
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { release } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { digestBytes } from '../../core/model/digest-set.ts';
import { isAtLeast } from '../../core/storage/posix/told-changes.ts';
import { setAcl, setAttribute } from '../helpers/attributes.ts';
import { makeManyFiles } from '../helpers/tree.ts';
import {
  announcedJob,
  readJournalsOf,
  readPlanOf,
  rsyncDifferences,
  runDirectories,
  waitForStatus,
} from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

const bcopy = `${inject('installed')}/dist/js/cli/main.js`;
const words = ['-s', 'src', '-d', 'dst', '--wait'];

let world: World;
let cwd: string;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());
beforeEach(() => {
  cwd = world.directory();
});

const src = (path: string) => join(cwd, 'src', path);
const dst = (path: string) => join(cwd, 'dst', path);

/** Two trees that are the same, and are the user's. */
async function makeTrees(files: number): Promise<void> {
  makeManyFiles(src(''), { files, directories: 5, bytes: 10 });
  linkSync(src('d0/f0'), src('d1/further'));
  giveToUser(src(''));
  await world.run(cwd, 'cp', '-a', 'src', 'dst');
}

/** JOBID.log of a run that came to its end. */
async function log(...options: string[]): Promise<string> {
  const ran = await world.bcopy(cwd, ...words, ...options);
  expect(ran.exitCode, ran.stderr).toBe(0);
  return readFileSync(join(cwd, `${announcedJob(ran.stdout)}.log`), 'utf8');
}

/** The workers that have written a journal in the newest run, as `SHARD.ATTEMPT`. */
const writers = () =>
  [...new Set(readJournalsOf(cwd).map(({ file }) => basename(file).split('-')[0]!))].sort();
const newest = (name: string) => join(runDirectories(cwd).at(-1)!, name);
const whole = (text: string) =>
  text
    .split('\n')
    .filter((line) =>
      /^(planned|copied|skipped|linked|failed|vanished|not done|note|removed|compared) /.test(line),
    );

async function needsStrace(skip: (why: string) => void): Promise<void> {
  const strace = await world.run(cwd, 'strace', '-f', '-qq', '-o', '/dev/null', 'true');
  if (strace.exitCode !== 0) skip('strace is not installed here, or may not trace');
}

/** How often another run asks for the attributes of a name. */
async function asks(...options: string[]): Promise<number> {
  const calls = join(cwd, 'calls');
  const strace = ['-f', '-qq', '-o', calls, '-e', 'trace=all'];
  const traced = await world.run(cwd, 'strace', ...strace, bcopy, ...words, ...options);
  expect(traced.exitCode, traced.stderr).toBe(0);
  return (readFileSync(calls, 'latin1').match(/ (llistxattr|listxattrat|syscall_0x1d1)\(/g) ?? []).length;
}

it('runs no task where nothing is left to do, and says so everywhere', async () => {
  await makeTrees(300);
  const text = await log();
  expect(text).toMatch(/^planned +307 +3,000\ncopied +0 +0\nskipped +307 +3,000\nlinked +0 +0$/m);
  expect(text).toMatch(/^elapsed +no task of this attempt has run$/m);
  expect(text).toMatch(/\nNothing had to be copied: all 301 files are there already\.\n$/);
  expect(writers()).toEqual(['0.0', 'finish.1']);
  expect(readdirSync(newest('attempts/1'))).not.toContain('job-0.json');
  expect(existsSync(newest('looked.jsonl'))).toBe(false);
  const job = /job (\d+)/.exec(text)![1]!;
  const facts = await waitForStatus(world, cwd, job, ({ phase }) => phase === 'complete');
  expect(facts.account).toMatchObject({ skipped: { entries: 307, bytes: 3000 }, left: { entries: 0 } });
  expect(await world.bcopy(cwd, 'logs', job)).toMatchObject({ exitCode: 0, stdout: text.trimEnd() });
  expect(await world.bcopy(cwd, 'logs', job, '--shard', '0')).toMatchObject({
    exitCode: 10,
    stderr: expect.stringContaining(`no task of job ${job} had it`),
  });
  const verified = await world.bcopy(cwd, 'verify', job);
  expect(verified).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('no difference') });
  expect((await world.bcopy(cwd, ...words, '--retry')).stdout).toContain('Nothing is left to copy');
});

it('leaves the look to several workers that are to read all files anyway, so that they share them', async () => {
  await world.run(cwd, 'sh', '-c', 'mkdir src && truncate -s 10G src/a src/b src/c src/d && cp -a src dst');
  await log('--workers', '4', '--verify', 'size');
  expect(readPlanOf(cwd).shards.length).toBeGreaterThanOrEqual(4);
  await log('--workers', '1', '--verify', 'size');
  expect(readPlanOf(cwd).shards).toHaveLength(1);
});

it('copies the one file of five thousand that has changed, and looks at no other', async () => {
  await makeTrees(5000);
  writeFileSync(src('d3/f1003'), 'changed');
  const before = statSync(dst('d3/f1008')).ino;
  const text = await log('--shards', '8');
  expect(text).toMatch(/^copied +1 +7\nskipped +5,006 +49,990$/m);
  expect(text).toMatch(/^shards +(\d+);/m);
  // A shard is where something is left
  const tasks = writers().filter((writer) => /^\d+\.1$/.test(writer));
  expect(tasks).toHaveLength(1);
  const seen = readJournalsOf(cwd).flatMap(({ file, line }) =>
    file.startsWith(tasks[0]!) && line.type === 'done' ? [line] : [],
  );
  expect(seen.map(({ from, to }) => to - from).reduce((sum, entries) => sum + entries, 0)).toBeLessThan(64);
  expect(readFileSync(dst('d3/f1003'), 'utf8')).toBe('changed');
  expect(statSync(dst('d3/f1008')).ino).toBe(before);
  expect(await rsyncDifferences(src(''), dst(''))).toBe('');
});

it('asks for no attributes again that a run of the same trees has asked for, and finds new ones', async ({
  skip,
}) => {
  await needsStrace(skip);
  await makeTrees(300);
  // What was changed less than two seconds before a run is not remembered
  await setTimeout(3100);
  await log();
  const plain = statSync(newest('plain')).size;
  expect(plain).toBeGreaterThanOrEqual(digestBytes);
  expect(plain % digestBytes).toBe(0);
  // A scan that strace makes slow may go on elsewhere in the middle of a directory: its group is in two pieces then
  expect(await asks()).toBeLessThan(300);
  expect(statSync(newest('plain')).size).toBeGreaterThanOrEqual(plain);
  setAttribute(src('d2/f2'), 'user.a', 'set');
  setAttribute(dst('d2/f7'), 'user.a', 'set');
  expect(await log()).toMatch(/^note +metadata mended: 2 entries$/m);
  expect(await rsyncDifferences(src(''), dst(''), '-X')).toBe('');
  // Of other trees, or a damaged one, nothing is believed
  writeFileSync(newest('plain'), Buffer.alloc(33, 7));
  setAttribute(dst('d2/f2'), 'user.a', 'changed');
  expect(await log()).toMatch(/^note +metadata mended: 1 entry$/m);
});

describe('right after a copy', () => {
  /** Each may be asked at both sides. */
  const directories = 12;

  beforeEach(async ({ skip }) => {
    await needsStrace(skip);
    if (!isAtLeast(release(), 6, 13)) skip('nothing is remembered of copies before Linux 6.13');
  });

  it('asks for no attributes of what was copied, and finds new ones', async () => {
    makeManyFiles(src(''), { files: 600, directories: 5, bytes: 10 });
    giveToUser(src(''));
    await log('--workers', '3', '--shards', '6');
    expect(copies().length).toBeGreaterThan(1);
    for (const file of copies()) expect(statSync(file).mode & 0o777).toBe(0o600);
    setAttribute(src('d2/f2'), 'user.a', 'set');
    setAttribute(dst('d2/f7'), 'user.a', 'set');
    // What the two were, and those with them
    expect(await asks()).toBeLessThan(20 + directories);
    expect(await rsyncDifferences(src(''), dst(''), '-X')).toBe('');
    expect(await log()).toMatch(/^copied +0 +0$/m);
  });

  it('mends exactly what was changed, however often it runs', async () => {
    makeManyFiles(src(''), { files: 300, directories: 5, bytes: 10 });
    giveToUser(src(''));
    await log();
    expect(await asks()).toBeLessThanOrEqual(directories);
    setAttribute(src('d1/f1'), 'user.a', 'set');
    setAttribute(dst('d3/f3'), 'user.a', 'set');
    const text = await log();
    expect(text).toMatch(/^copied +0 +0\nskipped +306 /m);
    expect(text).toMatch(/^note +metadata mended: 2 entries$/m);
    expect(await rsyncDifferences(src(''), dst(''), '-X')).toBe('');
    expect(await log()).not.toContain('mended');
  });

  it('knows what a run has copied before and after it was gone on with', async () => {
    makeManyFiles(src(''), { files: 300, directories: 5, bytes: 10 });
    giveToUser(src(''));
    await world.run(cwd, 'chmod', '0', 'src/d1/f1', 'src/d4/f4');
    expect((await world.bcopy(cwd, ...words)).exitCode).not.toBe(0);
    await world.run(cwd, 'chmod', '644', 'src/d1/f1', 'src/d4/f4');
    expect(await log('--retry')).toMatch(/^copied +306 /m);
    expect(copies().length).toBeGreaterThan(1);
    expect(await asks()).toBeLessThanOrEqual(directories);
    setAttribute(dst('d1/f1'), 'user.a', 'set');
    setAttribute(src('d2/f2'), 'user.a', 'set');
    expect(await log()).toMatch(/^note +metadata mended: 2 entries$/m);
    expect(await rsyncDifferences(src(''), dst(''), '-X')).toBe('');
  });

  it('believes nothing of a damaged file, nor of one that is not there', async () => {
    makeManyFiles(src(''), { files: 300, directories: 5, bytes: 10 });
    giveToUser(src(''));
    await log();
    for (const file of copies()) truncateSync(file, statSync(file).size - 3);
    const damages = [() => undefined, (file: string) => writeFileSync(file, Buffer.alloc(4000, 7)), rmSync];
    for (const [i, damage] of damages.entries()) {
      for (const file of copies()) damage(file);
      setAttribute(dst('d0/f5'), 'user.a', 'set');
      setAttribute(src('d0/f10'), 'user.a', `${i}`);
      await world.run(cwd, 'rm', '-rf', ...runDirectories(cwd).slice(1));
      expect(await log()).toMatch(/^note +metadata mended: 2 entries$/m);
    }
  });

  it('asks again where attributes were not to be kept, and are now', async () => {
    makeManyFiles(src(''), { files: 300, directories: 5, bytes: 10 });
    setAttribute(src('d1/f1'), 'user.a', 'set');
    setAcl(src('d2/f2'), '-m', 'u:1234:r');
    giveToUser(src(''));
    await log('--no-preserve', 'xattr,acl');
    expect(await log()).toMatch(/^note +metadata mended: 2 entries$/m);
    expect(await rsyncDifferences(src(''), dst(''), '-AX')).toBe('');
  });

  const copies = () =>
    readdirSync(newest('journals'))
      .filter((name) => name.endsWith('.plain'))
      .map((name) => newest(`journals/${name}`));
});

it('goes on with a run that ended before anything was submitted', async ({ skip }) => {
  await needsStrace(skip);
  await makeTrees(300);
  writeFileSync(src('d3/f103'), 'changed');
  rmSync(dst('d4/f204'));
  // What is removed first is `looked.jsonl`, when the journals are there
  const kill = ['-e', 'trace=unlink', '-e', 'inject=unlink:signal=SIGKILL:when=1'];
  await world.run(cwd, 'strace', '-f', '-qq', '-o', '/dev/null', ...kill, bcopy, ...words);
  expect(writers()).toEqual(['0.0']);
  expect(existsSync(newest('looked.jsonl'))).toBe(true);
  expect((await world.bcopy(cwd, 'status')).stdout).toContain('not submitted');
  expect(runDirectories(cwd)).toHaveLength(1);
  expect(
    whole(await log('--retry'))
      .slice(0, 3)
      .join('\n'),
  ).toMatch(/^planned .*\ncopied +2 +17\nskipped +305 /);
  expect(runDirectories(cwd)).toHaveLength(1);
  expect(writers()).toEqual(['0.0', '0.1', 'finish.1']);
  expect(await rsyncDifferences(src(''), dst(''))).toBe('');
});

it('comes to what workers come to that look, whatever differs', async () => {
  const results: { account: string[]; differences: string; contents: string }[] = [];
  // With a limit, which is theirs to keep, the workers look
  for (const more of [[], ['--ops-limit', '1000000']]) {
    cwd = world.directory();
    await makeTrees(200);
    writeFileSync(src('d0/f5'), 'longer than before');
    writeFileSync(src('d0/f10'), 'same bytes');
    await world.run(cwd, 'touch', '-r', 'dst/d0/f10', 'src/d0/f10');
    await world.run(cwd, 'touch', '-d', '@2000000000', 'dst/d0/f15');
    await world.run(cwd, 'chmod', '600', 'dst/d1/f1', 'src/d1/f6');
    await world.run(cwd, 'sh', '-c', 'cd dst && rm d1/f11 && mkfifo d1/f11 && rm d1/f16 && ln -s f21 d1/f16');
    await world.run(cwd, 'sh', '-c', 'cd dst && rm -r d2 && touch d2 && mv d3 away && ln -s away d3');
    await world.run(cwd, 'sh', '-c', 'cd dst && rm d1/further && cp -p d0/f0 d1/further');
    setAttribute(dst('d4/f4'), 'user.a', 'b');
    const text = await log('--verify', 'checksum', '--delete', '--max-delete', '100%', ...more);
    results.push({
      account: whole(text).filter((line) => !line.startsWith('removed')),
      differences: await rsyncDifferences(src(''), dst(''), '-AX', '--checksum', '--exclude=/.bcopy-trash'),
      contents: (
        await execa('find', ['.', '-path', './.bcopy-trash', '-prune', '-o', '-printf', '%P %y %n %m\n'], {
          cwd: dst(''),
        })
      ).stdout
        .split('\n')
        .sort()
        .join('\n'),
    });
    const isTasks = readJournalsOf(cwd).some(({ file }) => /^\d+\.0-/.test(file));
    expect(isTasks).toBe(more.length === 0);
  }
  expect(results[0]!.differences).toBe('');
  expect(results[0]).toEqual(results[1]);
});
