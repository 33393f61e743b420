import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { makeTree, readTree, type Tree } from '../helpers/tree.ts';
import { announcedJob, readJournalsOf, rsyncDifferences, runDirectories } from './run-files.ts';
import { giveToUser, openOrSkip, openWorld, type Ran, type World } from './world.ts';

const { open } = openOrSkip(['local', 'slurm']);

let world: World;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world?.close());

const many: Tree = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, `${i}`]));
const source: Tree = { many, sub: { a: 'a', deeper: { b: 'b' } } };
/** 5 entries in 3 names, of 31 in all. */
const extra: Tree = { old: 'o', sub: { 'old dir': { x: 'x', y: 'y' }, deeper: { stale: 's' } } };

/** The destination has all that the source has, and more. */
async function prepared(more: Tree = extra, from: Tree = source, where = world): Promise<string> {
  const cwd = where.directory();
  await makeTree(join(cwd, 'more'), more);
  await makeTree(join(cwd, 'src'), from);
  giveToUser(cwd);
  for (const tree of ['more', 'src']) await world.run(cwd, 'cp', '-aT', tree, 'dst');
  return cwd;
}

const trees = ['-s', 'src', '-d', 'dst', '--wait'];

function copy(cwd: string, ...more: string[]): Promise<Ran> {
  return world.bcopy(cwd, ...trees, ...more);
}

const logOf = (cwd: string, job: string, ending = 'log') =>
  readFileSync(join(cwd, `${job}.${ending}`), 'utf8');

describe.each(open)('--delete on %s', (name) => {
  let own: World;
  beforeAll(async () => {
    own = name === 'local' ? world : await openWorld(name, 2);
  });
  afterAll(() => (own === world ? undefined : own?.close()));

  it('makes the two trees the same, by several tasks, and undo brings all of it back', async () => {
    const cwd = await prepared(extra, source, own);
    const before = await readTree(join(cwd, 'dst'));
    const ran = await own.bcopy(
      cwd,
      ...trees,
      '--delete',
      '--max-delete',
      '20%',
      '--shards',
      '4',
      '--workers',
      '2',
    );
    expect(ran).toMatchObject({ exitCode: 0 });
    const job = announcedJob(ran.stdout);
    expect(logOf(cwd, job)).toMatch(/^removed +5 entries, .*; bcopy undo \d+ brings them back$/m);
    expect(logOf(cwd, job, 'err')).toBe('');
    const [, src, dst] = ['', 'src', 'dst'].map((name) => join(cwd, name));
    expect(await rsyncDifferences(src!, dst!, '--exclude', '/.bcopy-trash')).toBe('');
    const undone = await own.bcopy(cwd, 'undo', job);
    expect(undone).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await readTree(dst!)).toEqual(before);
    expect((await own.bcopy(cwd, 'undo', job)).stdout).toContain('Nothing of job');
  });
});

describe.concurrent('--delete', () => {
  it('removes for good when that is said', async () => {
    const cwd = await prepared();
    const ran = await copy(cwd, '--delete=now', '--max-delete', '5');
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
    expect(logOf(cwd, announcedJob(ran.stdout))).toMatch(/^removed +5 entries, .*, for good$/m);
  });

  it('leads to no further job when there is nothing to remove', async () => {
    const cwd = await prepared({});
    const ran = await copy(cwd, '--delete');
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    const [run = ''] = runDirectories(cwd);
    expect(readdirSync(join(run, 'attempts'))).toEqual(['1']);
    const status = await world.bcopy(cwd, 'status', announcedJob(ran.stdout), '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({ phase: 'complete' });
  });

  it('shows with --dry-run what would go, and touches nothing', async () => {
    const cwd = await prepared();
    const before = await readTree(cwd);
    const { stdout, exitCode } = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--dry-run', '--delete');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^to remove: +5 entries, .*\(more than --max-delete allows: 3\)$/m);
    expect(stdout).toMatch(/^remove {2}sub\/deeper\/stale {2}not at the source$/m);
    expect(stdout).toMatch(/^remove {2}sub\/old dir\/ {2}not at the source$/m);
    expect(await readTree(cwd)).toEqual(before);
  });

  it('brings back what it can when something else has taken a place', async () => {
    const cwd = await prepared();
    const job = announcedJob((await copy(cwd, '--delete', '--max-delete', '20%')).stdout);
    writeFileSync(join(cwd, 'dst/old'), 'in the way');
    const undone = await world.bcopy(cwd, 'undo', job);
    expect(undone.exitCode).toBe(3);
    expect(undone.stderr).toContain('old stays in the trash: something else is in its place');
    expect(existsSync(join(cwd, 'dst/sub/old dir/x'))).toBe(true);
  });
});

describe.concurrent('--delete removes nothing', () => {
  /** True when all that the source does not have is still there. */
  const hasAll = (cwd: string) =>
    ['old', 'sub/old dir/x', 'sub/deeper/stale'].every((path) => existsSync(join(cwd, 'dst', path)));

  it('when the source has a directory that cannot be read', async () => {
    const cwd = await prepared();
    mkdirSync(join(cwd, 'src/closed'));
    giveToUser(join(cwd, 'src'));
    chmodSync(join(cwd, 'src/closed'), 0o000);
    const ran = await copy(cwd, '--delete', '--max-delete', '100%');
    expect(ran).toMatchObject({ exitCode: 3 });
    expect(ran.stderr).toContain('nothing will be removed');
    expect(hasAll(cwd)).toBe(true);
    expect(existsSync(join(cwd, 'dst/.bcopy-trash'))).toBe(false);
  });

  it('when the source is empty, unless that is said to be meant', async () => {
    const cwd = await prepared(extra, {});
    const ran = await copy(cwd, '--delete', '--max-delete', '99%');
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toContain('the source is empty, and all that is at the destination would go');
    expect(hasAll(cwd)).toBe(true);
    expect(await copy(cwd, '--delete=now', '--max-delete', '100%')).toMatchObject({ exitCode: 0 });
    expect(readdirSync(join(cwd, 'dst'))).toEqual([]);
  });

  it('when more would go than may, and says how to go on, which --retry does', async () => {
    const cwd = await prepared();
    const ran = await copy(cwd, '--delete');
    expect(ran.exitCode).toBe(3);
    expect(ran.stderr).toContain('not all that the source does not have is removed');
    const said = '5 of 31 entries at the destination would be removed, and 3 may be (--max-delete 10%)';
    expect(logOf(cwd, announcedJob(ran.stdout))).toContain(said);
    expect(hasAll(cwd)).toBe(true);
    const again = await copy(cwd, '--retry', '--delete', '--max-delete', '5');
    expect(again).toMatchObject({ exitCode: 0 });
    expect(hasAll(cwd)).toBe(false);
  });

  it('when the source is not mounted any more when it is to be compared', async () => {
    const cwd = await prepared();
    const templates = join(cwd, 'templates');
    mkdirSync(templates);
    // What the tasks of the second attempt find is an empty directory in the place of the source
    const task = readFileSync(join(inject('installed'), 'templates/task.sbatch.hbs'), 'utf8');
    const unmount = `[ {{attempt}} = 1 ] || { mv '${cwd}/src' '${cwd}/away' 2>/dev/null; mkdir -p '${cwd}/src'; }\nexec `;
    writeFileSync(join(templates, 'task.sbatch.hbs'), task.replace(/^exec /m, unmount));
    giveToUser(cwd);
    const ran = await copy(
      cwd,
      '--delete',
      '--max-delete',
      '100%',
      '--max-attempts',
      '2',
      '--templates',
      templates,
    );
    expect(ran).toMatchObject({ exitCode: 3 });
    expect(existsSync(join(cwd, 'away'))).toBe(true);
    expect(hasAll(cwd)).toBe(true);
    expect(readJournalsOf(cwd).filter(({ line }) => line.type === 'removed')).toEqual([]);
  });

  it.each([
    ['the source lies in the destination', ['-s', 'dst/sub', '-d', 'dst'], '.'],
    ['the current directory lies in the destination', ['-s', '../src', '-d', '.'], 'dst'],
  ])('when %s', async (why, words, place) => {
    const cwd = await prepared();
    const ran = await world.bcopy(join(cwd, place), ...words, '--delete', '--max-delete', '100%');
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toContain(why);
    expect(hasAll(cwd)).toBe(true);
  });

  it('when not everything could be copied', async () => {
    const cwd = await prepared();
    writeFileSync(join(cwd, 'src/secret'), 's');
    giveToUser(join(cwd, 'src'));
    chmodSync(join(cwd, 'src/secret'), 0o000);
    expect(await copy(cwd, '--delete', '--max-delete', '100%')).toMatchObject({ exitCode: 3 });
    expect(hasAll(cwd)).toBe(true);
  });
});

describe('bcopy remove', () => {
  it('removes trees for good when --yes is said, and tells how much that was', async () => {
    const cwd = await prepared();
    const ran = await world.bcopy(cwd, 'remove', 'dst', 'more/old', '--yes');
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ran.stdout).toContain('dst: 5 directories, 26 other entries');
    expect(ran.stdout).toContain('32 entries are removed.');
    expect(existsSync(join(cwd, 'dst'))).toBe(false);
    expect(existsSync(join(cwd, 'src/sub/a'))).toBe(true);
  });

  it('takes a slash after a directory for nothing, and never goes to where a symlink leads', async () => {
    const cwd = await prepared();
    symlinkSync('dst', join(cwd, 'link'));
    for (const path of ['link/', 'src/many/f0/']) {
      const refused = await world.bcopy(cwd, 'remove', path, '--yes');
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
      expect(refused.stderr).toContain(`cannot remove ${path}: it is not a directory`);
    }
    expect((await world.bcopy(cwd, 'remove', 'src//', 'link', '--yes')).exitCode).toBe(0);
    expect(readdirSync(cwd).filter((name) => !name.startsWith('.'))).toEqual(['dst', 'more']);
    expect(existsSync(join(cwd, 'dst/old'))).toBe(true);
  });

  it('asks, and removes nothing without a yes', async () => {
    const cwd = await prepared();
    const bcopy = `${inject('installed')}/dist/js/cli/main.js`;
    const asked = (answer: string) =>
      world.run(cwd, 'sh', '-c', `printf '${answer}\\n' | script -qec '${bcopy} remove dst' /dev/null`);
    const ran = await asked('n');
    expect(ran.stdout).toContain('Nothing is removed.');
    expect(existsSync(join(cwd, 'dst/old'))).toBe(true);
    expect((await asked('y')).stdout).toContain('are removed.');
    expect(existsSync(join(cwd, 'dst'))).toBe(false);
  });

  it.each([
    [['remove', 'dst'], 'nobody is there to be asked'],
    [['remove', '--yes'], 'no path is given'],
    [['remove', '/', '--yes'], 'it must end with a name of its own'],
    [['remove', 'dst/..', '--yes'], 'it must end with a name of its own'],
    [['remove', 'dst', 'not-there', '--yes'], 'not-there'],
  ])('refuses %j', async (words, why) => {
    const cwd = await prepared();
    const ran = await world.bcopy(cwd, ...words);
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stderr).toContain(why);
    expect(existsSync(join(cwd, 'dst/old'))).toBe(true);
  });
});
