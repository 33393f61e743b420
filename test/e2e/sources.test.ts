import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fifo, makeTree, readTree, symlinkTo } from '../helpers/tree.ts';
import { begunAndHeld, letGo } from './held-worker.ts';
import { announcedJob, readJournalsOf, runDirectories } from './run-files.ts';
import { bcopyAs, logOf, preparedSources, rsyncWould, users } from './several-sources.ts';
import { giveToUser, openOrSkip, openWorld, type World } from './world.ts';

const { open } = openOrSkip(['local', 'fakes']);

let world: World;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world?.close());

const sources = ['-s', 'one/A', '-s', 'two/B', '-s', 'two/F', '-s', 'G'];
const all = [...sources, '-d', 'dst', '--wait'];

const copy = (cwd: string, ...args: string[]) => world.bcopy(cwd, ...args);
const prepared = (where = world) => preparedSources(where);

describe.each(users)('several sources, by %s', (_, runner) => {
  it('come to be as rsync would have them, and a second run copies nothing', async () => {
    const [cwd, run] = [await prepared(), runner(world)];
    const { mode } = statSync(join(cwd, 'dst'));
    const ran = await bcopyAs(run, cwd, ...all, '--shards', '3', '--workers', '2');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(logOf(cwd, ran, 'err')).toBe('');
    expect(await rsyncWould(run, cwd, 'one/A', 'two/B', 'two/F', 'G', 'dst/')).toBe('');
    expect(readdirSync(join(cwd, 'dst')).sort()).toEqual(['A', 'B', 'F', 'G', 'other']);
    expect(statSync(join(cwd, 'dst')).mode).toBe(mode);
    const [a, d] = ['A/a', 'B/d'].map((path) => lstatSync(join(cwd, 'dst', path)).ino);
    expect(a).toBe(d);
    const again = await bcopyAs(run, cwd, ...all);
    expect(logOf(cwd, again)).toMatch(/^copied +0 +0$/m);
    expect(logOf(cwd, again)).toContain('Nothing had to be copied');
    expect(logOf(cwd, again)).toMatch(/^source +\S+\/one\/A, \S+\/two\/B, \S+\/two\/F, \S+\/G$/m);
    const verified = await bcopyAs(run, cwd, 'verify', announcedJob(again.stdout));
    expect(verified, verified.stderr).toMatchObject({ exitCode: 0 });
    expect(verified.stdout).toContain('no difference');
  });
});

describe.concurrent('several sources', () => {
  it('make a destination that is missing, as mkdir does', async () => {
    const cwd = await prepared();
    const ran = await copy(cwd, ...sources, '-d', 'new', '--wait');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(await rsyncWould(world.run, cwd, 'one/A', 'two/B', 'two/F', 'G', 'new/')).toBe('');
    await world.run(cwd, 'mkdir', 'like');
    expect(statSync(join(cwd, 'new')).mode).toBe(statSync(join(cwd, 'like')).mode);
  });

  it('are called as they were typed: a symlink stands for what it leads to, under its own name', async () => {
    const cwd = await prepared();
    symlinkSync('one/A', join(cwd, 'latest'));
    symlinkSync('two/F', join(cwd, 'file-link'));
    const ran = await copy(
      join(cwd, 'two'),
      ...['-s', '../latest/', '-s', '../file-link', '-s', 'B/.'],
      '-d',
      '../dst',
      '--wait',
    );
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(readdirSync(join(cwd, 'dst')).sort()).toEqual(['B', 'file-link', 'latest', 'other']);
    expect(await readTree(join(cwd, 'dst/latest'))).toEqual(await readTree(join(cwd, 'one/A')));
    expect(readFileSync(join(cwd, 'dst/file-link'), 'utf8')).toBe('ffff');
  });

  it('are filtered by their paths at the destination, as rsync filters them', async () => {
    const cwd = await prepared();
    const filters = ['--exclude', '/A/sub', '--exclude', '/c', '--exclude', '/F', '--exclude', 'one'];
    const ran = await copy(cwd, ...all, ...filters);
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(logOf(cwd, ran)).toMatch(/^note +excluded 2 entries$/m);
    expect(await readdirBelow(cwd, 'dst')).toEqual(
      ['A', 'A/a', 'A/empty', 'A/hole', 'B', 'B/c', 'B/d', 'G', 'other', 'other/x'].sort(),
    );
    expect(await rsyncWould(world.run, cwd, ...filters, 'one/A', 'two/B', 'two/F', 'G', 'dst/')).toBe('');
  });

  it('are foretold by --dry-run, and told by --manifest, under their names', async () => {
    const cwd = await prepared();
    const dry = await copy(cwd, ...all, '--dry-run');
    expect(dry.stdout).toMatch(/^copy {4}F {2}not there$/m);
    expect(dry.stdout).toMatch(/^make {4}A\/sub\/$/m);
    const ran = await copy(cwd, ...all, '--manifest', 'sums');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    const listed = readFileSync(join(cwd, 'sums'), 'utf8')
      .replaceAll(/^\w+ {2}/gm, '')
      .trimEnd();
    expect(listed.split('\n')).toEqual(['A/a', 'A/hole', 'A/sub/deep/b', 'B/c', 'B/d', 'F', 'G']);
    expect((await copy(cwd, ...all, '--dry-run')).stdout).toMatch(/^(\d+) entries: \1 to skip/m);
  });

  it('are all looked at by --check', async () => {
    const cwd = await prepared();
    chmodSync(join(cwd, 'two/B/c'), 0);
    const checked = await copy(cwd, ...all, '--check');
    expect(checked).toMatchObject({ exitCode: 5, stdout: expect.not.stringContaining('submitted') });
    expect(checked.stderr).toContain('  B/c: permission denied');
  });

  it('go on with --retry where one file could not be read, whatever the order', async () => {
    const cwd = await prepared();
    chmodSync(join(cwd, 'two/B/c'), 0);
    const ran = await copy(cwd, ...all);
    expect(ran.exitCode).toBe(3);
    expect(logOf(cwd, ran, 'err')).toContain('B/c');
    chmodSync(join(cwd, 'two/B/c'), 0o600);
    const reversed = ['-s', 'G', '-s', 'two/F', '-s', 'two/B/', '-s', './one/A', '-d', 'dst', '--wait'];
    const again = await copy(cwd, ...reversed, '--retry');
    expect(again, again.stderr).toMatchObject({ exitCode: 0 });
    expect(runDirectories(cwd)).toHaveLength(1);
    const copied = readJournalsOf(cwd).flatMap(({ file: name, line }) =>
      name.includes('.2-') && name.startsWith('0.') && line.type === 'done' ? [line.copied] : [],
    );
    expect(copied).toEqual([{ entries: 1, bytes: 3 }]);
    expect(await rsyncWould(world.run, cwd, 'one/A', 'two/B', 'two/F', 'G', 'dst/')).toBe('');
    expect((await copy(cwd, ...all.slice(2), '--retry')).stderr).toContain('no earlier copy');
  });

  it('with --delete lose only what is below them, and undo brings it back', async () => {
    const cwd = await prepared();
    await copy(cwd, ...all);
    await makeTree(join(cwd, 'dst'), { stray: 's' });
    await makeTree(join(cwd, 'dst/A'), { old: 'o' });
    await makeTree(join(cwd, 'dst/B'), { gone: { x: 'x' } });
    giveToUser(join(cwd, 'dst'));
    const ran = await copy(cwd, ...all, '--delete', '--max-delete', '50%');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(await rsyncWould(world.run, cwd, 'one/A', 'two/B', 'two/F', 'G', 'dst/')).toBe('');
    expect(readdirSync(join(cwd, 'dst')).sort()).toEqual([
      '.bcopy-trash',
      'A',
      'B',
      'F',
      'G',
      'other',
      'stray',
    ]);
    expect(logOf(cwd, ran)).toMatch(/^removed +3 entries/m);
    expect(await copy(cwd, 'undo', announcedJob(ran.stdout))).toMatchObject({ exitCode: 0 });
    for (const path of ['A/old', 'B/gone/x']) expect(existsSync(join(cwd, 'dst', path))).toBe(true);
    rmSync(join(cwd, 'two/B'), { recursive: true });
    mkdirSync(join(cwd, 'two/B'));
    giveToUser(join(cwd, 'two'));
    const emptied = await copy(cwd, ...all, '--delete');
    expect(emptied).toMatchObject({ exitCode: 2 });
    expect(emptied.stderr).toContain('two/B is empty, and all that is in B at the destination would go');
  });

  it('are compared with --verify, and what differs is copied again', async () => {
    const cwd = await prepared();
    await copy(cwd, ...all);
    for (const path of ['A/hole', 'F']) flipUnseen(join(cwd, 'dst', path));
    const ran = await copy(cwd, ...all, '--verify', 'checksum');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(logOf(cwd, ran)).toContain('The destination is like the source');
    for (const [one, other] of [
      ['one/A/hole', 'A/hole'],
      ['two/F', 'F'],
    ] as const)
      expect(await world.run(cwd, 'cmp', one, join('dst', other))).toMatchObject({ exitCode: 0 });
    await copy(cwd, '-s', 'two/F', '-d', 'dst/renamed', '--wait');
    flipUnseen(join(cwd, 'dst/renamed'));
    await copy(cwd, '-s', 'two/F', '-d', 'dst/renamed', '--wait', '--verify', 'checksum');
    expect(readFileSync(join(cwd, 'dst/renamed'), 'utf8')).toBe('ffff');
  });

  it('lose nothing where something has come into the place of one since it was planned', async () => {
    const cwd = await prepared();
    await copy(cwd, ...all);
    await makeTree(join(cwd, 'dst/A'), { old: 'o' });
    giveToUser(cwd);
    const job = await begunAndHeld(world, cwd, ...all.slice(0, -1), '--delete', '--max-delete', '90%');
    renameSync(join(cwd, 'two/B'), join(cwd, 'two/away'));
    mkdirSync(join(cwd, 'two/B'));
    const { phase } = await letGo(world, cwd, job);
    expect(phase).toBe('incomplete');
    expect(existsSync(join(cwd, 'dst/A/old'))).toBe(true);
    expect(existsSync(join(cwd, 'dst/B/c'))).toBe(true);
  });

  it('tell of one that is another since the plan, and nothing of it has vanished', async () => {
    const cwd = await prepared();
    giveToUser(cwd);
    const job = await begunAndHeld(world, cwd, ...all.slice(0, -1), '--max-attempts', '1');
    renameSync(join(cwd, 'one/A'), join(cwd, 'one/away'));
    mkdirSync(join(cwd, 'one/A'));
    const { phase } = await letGo(world, cwd, job);
    expect(phase).toBe('incomplete');
    const told = readFileSync(join(cwd, `${job}.err`), 'utf8');
    expect(told).toContain('A/hole (open source)');
    expect(told).not.toContain('B/c');
    expect(readFileSync(join(cwd, `${job}.log`), 'utf8')).toMatch(/^vanished +0 +0$/m);
    expect(readFileSync(join(cwd, 'dst/B/c'), 'utf8')).toBe('ccc');
  });
});

/** All paths below a directory. */
async function readdirBelow(cwd: string, directory: string): Promise<string[]> {
  const { stdout } = await world.run(cwd, 'find', directory, '-mindepth', '1', '-printf', '%P\\n');
  return stdout.split('\n').sort();
}

/** Another last byte, and the same times. */
function flipUnseen(path: string): void {
  const { size, atimeNs, mtimeNs } = statSync(path, { bigint: true });
  const file = openSync(path, 'r+');
  writeSync(file, 'X', Number(size) - 1);
  closeSync(file);
  const seconds = (ns: bigint) => `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, '0')}`;
  execFileSync('touch', ['-a', '-d', `@${seconds(atimeNs)}`, path]);
  execFileSync('touch', ['-m', '-d', `@${seconds(mtimeNs)}`, path]);
  expect(statSync(path, { bigint: true }).mtimeNs).toBe(mtimeNs);
}

describe.concurrent('sources that cannot be copied together', () => {
  type Refused = { readonly words: string; readonly exitCode: number; readonly why: RegExp };
  const [usage, unreadable, unwritable] = [2, 5, 6];
  const refused = (exitCode: number, cases: Record<string, RegExp>): Refused[] =>
    Object.entries(cases).map(([words, why]) => ({ words, exitCode, why }));

  /** Nothing in it is touched. */
  let cwd: string;
  beforeAll(async () => {
    cwd = await prepared();
    await makeTree(cwd, { closed: 'c', pipe: fifo(), alias: symlinkTo('one/A') });
    mkdirSync(join(cwd, 'two/x/A'), { recursive: true });
    chmodSync(join(cwd, 'closed'), 0);
    giveToUser(cwd);
  });

  it.each([
    ...refused(usage, {
      '-s one/A -s two/x/A -d dst': /both would be called A at the destination/,
      '-s one/A -s one/A/ -d dst': /they are the same directory/,
      '-s one/A -s alias -d dst': /they are the same directory/,
      '-s two/F -s two/./F -d dst': /they are the same file/,
      '-s one/A -s one/A/sub -d dst': /one\/A\/sub lies inside one\/A/,
      '-s one/A/sub/deep -s one/A -d dst': /one\/A\/sub\/deep lies inside one\/A/,
      '-s one/A -s one/A/a -d dst': /one\/A\/a lies inside one\/A/,
      '-s / -s one/A -d dst': /lies inside \//,
      '-s one/A -s two/B -d one/A/sub': /the destination lies inside the source/,
      '-s one/A -s two/B -d one': /cannot copy one\/A to one: they are the same directory/,
      '-s two/F -s G -d two': /cannot copy two\/F to two: they are the same file/,
      '-s two/F -d two/F': /they are the same file/,
      '-s two/F -d two': /they are the same file/,
      '-s two/F -d dst --delete': /with --delete: it is for directories, and no source is one/,
      '-s two/F -d dst --files-from two/F': /--files-from with a file as the source/,
      '-s one/A -s two/B -d dst --files-from two/F': /--files-from with several sources/,
    }),
    ...refused(unreadable, {
      '-s one/A -s nosuch -d dst': /cannot read the source nosuch: it does not exist/,
      '-s one/A -s /dev/null -d dst': /it is a device, neither a directory nor a file/,
      '-s one/A -s closed -d dst': /cannot read the source closed: permission denied/,
      '-s closed -d dst': /cannot read the source closed: permission denied/,
      '-s two/F/ -d dst': /cannot read the source two\/F\/: part of its path is not a directory/,
    }),
    ...refused(unwritable, {
      '-s one/A -s two/B -d G': /G is a file, not a directory/,
      '-s one/A -s two/B -d no/dst': /no does not exist/,
      '-s two/F -d no/such': /no does not exist/,
      '-s two/F -d G/': /G is a file, not a directory/,
      '-s two/F -d pipe': /it is a FIFO, neither a directory nor a file/,
    }),
  ])('$words', async ({ words, exitCode, why }) => {
    const before = await readTree(cwd);
    const ran = await copy(cwd, ...words.split(' '));
    expect(ran).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(why) });
    expect(ran.stderr).toMatch(/^bcopy: [^\n]+(\nhint: [^\n]+)?$/);
    expect(await readTree(cwd)).toEqual(before);
  });

  it('as one that would be written over by another', async () => {
    const cwd = await prepared();
    await makeTree(cwd, { x: { A: { B: {} } } });
    renameSync(join(cwd, 'two/B'), join(cwd, 'x/B'));
    mkdirSync(join(cwd, 'dst/A'));
    renameSync(join(cwd, 'x/B'), join(cwd, 'dst/A/B'));
    giveToUser(cwd);
    const ran = await copy(cwd, '-s', 'x/A', '-s', 'dst/A/B', '-d', 'dst');
    expect(ran).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('would be written over the source dst/A/B'),
    });
    const deletes = await copy(cwd, '-s', 'one/A', '-s', 'dst/A/B', '-d', 'dst', '--delete');
    expect(deletes).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('would go itself') });
  });
});

describe.each(open.filter((name) => name !== 'local'))('with %s', (name) => {
  let own: World;
  beforeAll(async () => {
    own = await openWorld(name, 2);
  });
  afterAll(() => own?.close());

  it('several sources are copied by tasks on nodes, and status tells them', async () => {
    const cwd = await prepared(own);
    const ran = await own.bcopy(cwd, ...all, '--shards', '3', '--delete', '--max-delete', '90%');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(await rsyncWould(own.run, cwd, 'one/A', 'two/B', 'two/F', 'G', 'dst/')).toBe('');
    const job = announcedJob(ran.stdout);
    const { stdout } = await own.bcopy(cwd, 'status', job, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      source: null,
      sources: ['one/A', 'two/B', 'two/F', 'G'].map((path) => join(cwd, path)),
    });
    expect((await own.bcopy(cwd, 'status')).stdout).toContain('and 1 more ->');
    expect((await own.bcopy(cwd, 'clean')).exitCode).toBe(0);
    expect(existsSync(join(cwd, '.bcopy'))).toBe(false);
    expect(readlinkSync(join(cwd, 'dst/A/sub/s'))).toBe('../a');
  });
});
