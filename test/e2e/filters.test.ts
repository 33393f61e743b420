import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { makeTree } from '../helpers/tree.ts';
import { runDirectories } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

/** A directory with a source `src`. */
async function prepared(): Promise<string> {
  const cwd = world.directory();
  await makeTree(cwd, { src: { 'a.o': 'a', b: 'bb', sub: { 'c.o': 'c', d: 'dddd' }, build: { e: 'e' } } });
  giveToUser(cwd);
  return cwd;
}

const pathsIn = async (cwd: string, directory: string) => {
  const { stdout } = await world.run(join(cwd, directory), 'find', '.', '-mindepth', '1', '-printf', '%P\n');
  return stdout.split('\n').sort();
};
const logOf = (cwd: string, end = 'log') => {
  const newest = readdirSync(cwd)
    .filter((name) => name.endsWith(`.${end}`))
    .sort()
    .at(-1)!;
  return readFileSync(join(cwd, newest), 'utf8');
};

describe('a copy with filters', () => {
  it('copies what rsync would with the same words, and tells how much it left out', async () => {
    const cwd = await prepared();
    const words = ['--include=a.o', '--exclude=*.o', '--exclude', 'build/'];
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait', ...words);
    expect(ran).toMatchObject({ exitCode: 0 });
    await world.run(cwd, 'rsync', '-a', ...words, 'src/', 'rsync');
    expect(await pathsIn(cwd, 'dst')).toEqual(await pathsIn(cwd, 'rsync'));
    const checked = await world.run(cwd, 'rsync', '-aHn', '--itemize-changes', ...words, 'src/', 'dst/');
    expect(checked.stdout).toBe('');
    expect(logOf(cwd)).toContain('\nnote         excluded 2 entries\n');
  });

  it('goes on with the same filters, and plans anew with others', async () => {
    const cwd = await prepared();
    const copy = ['-s', 'src', '-d', 'dst', '--wait'];
    await world.bcopy(cwd, ...copy, '--exclude=*.o', '--newer', '7d');
    const again = await world.bcopy(cwd, ...copy, '--exclude=*.o', '--newer', '7d', '--retry');
    expect(again.stdout).toContain('Nothing is left to copy');
    const other = await world.bcopy(cwd, ...copy, '--exclude=c.o', '--newer', '7d', '--retry');
    expect(other).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('planned with other filters'),
    });
    expect(runDirectories(cwd)).toHaveLength(2);
    expect(await pathsIn(cwd, 'dst')).toEqual(['a.o', 'b', 'build', 'build/e', 'sub', 'sub/d']);
  });

  it('tells with --dry-run how much it would leave out', async () => {
    const cwd = await prepared();
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--max-size', '1', '--dry-run');
    expect(ran.stdout).toContain('\n             excluded 2 entries\n');
    expect(readdirSync(cwd)).toEqual(['src']);
  });
});

describe('a copy of a list', () => {
  it('copies what is listed with the directories above it', async () => {
    const cwd = await prepared();
    writeFileSync(join(cwd, 'list'), './sub/d\n\nbuild/\n');
    await world.run(cwd, 'touch', '-d', '2001-01-01', 'src/sub');
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--files-from', 'list', '--wait');
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(await pathsIn(cwd, 'dst')).toEqual(['build', 'build/e', 'sub', 'sub/d']);
    const { stdout } = await world.run(cwd, 'stat', '-c', '%Y', 'src/sub', 'dst/sub');
    const [from, to] = stdout.split('\n');
    expect(to).toBe(from);
  });

  it('takes the list from standard input', async () => {
    const cwd = await prepared();
    const program = 'printf "b\\0sub" | "$0" -s src -d dst --files-from - --null --wait';
    const ran = await world.run(cwd, 'sh', '-c', program, `${inject('installed')}/dist/js/cli/main.js`);
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(await pathsIn(cwd, 'dst')).toEqual(['b', 'sub', 'sub/c.o', 'sub/d']);
  });

  it('is incomplete where something listed is not at the source', async () => {
    const cwd = await prepared();
    writeFileSync(join(cwd, 'list'), 'b\nsub/none\nb/x\n');
    const copy = ['-s', 'src', '-d', 'dst', '--files-from', 'list'];
    const checked = await world.bcopy(cwd, ...copy, '--check');
    expect(checked).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('sub/none: listed, but not'),
    });
    const ran = await world.bcopy(cwd, ...copy, '--wait');
    expect(ran.exitCode).toBe(3);
    expect(logOf(cwd, 'err')).toContain('listed, but not at the source (MISSING)');
  });
});

describe('bad input is refused in a sentence, and nothing is touched', () => {
  it.each([
    ['a pattern that is none', ['--exclude', 'a['], 'cannot use --exclude a[: a [ in it is not closed'],
    ['a list with ..', ['--files-from', '../dots'], 'dots line 2: ../x: it must stay inside the source'],
    ['an absolute path', ['--files-from', '../absolute'], 'absolute line 1: /x: it must be relative'],
    [
      'a list that is not there',
      ['--files-from', 'none'],
      'cannot read --files-from none: it does not exist',
    ],
    ['a date that is none', ['--newer', '2026-02-30'], 'cannot use --newer 2026-02-30: it must be an age'],
  ])('%s', async (_, words, why) => {
    const top = world.directory();
    await makeTree(top, { dots: 'b\n../x\n', absolute: '/x\n', here: { src: { b: 'b' } } });
    giveToUser(top);
    const cwd = join(top, 'here');
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', ...words);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(why) });
    expect(readdirSync(cwd)).toEqual(['src']);
  });
});
