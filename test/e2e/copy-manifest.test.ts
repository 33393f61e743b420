import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTree, type Tree } from '../helpers/tree.ts';
import { announcedJob, readJournalsOf, runDirectories } from './run-files.ts';
import { giveToUser, openWorld, type Ran, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

const tree: Tree = { a: 'a', sub: { b: 'b', 'new\nline': 'c' }, empty: {} };

async function prepared(more: Tree = {}): Promise<string> {
  const cwd = world.directory();
  await makeTree(join(cwd, 'src'), tree);
  await makeTree(join(cwd, 'dst'), more);
  giveToUser(cwd);
  return cwd;
}

const copy = (cwd: string, ...more: string[]): Promise<Ran> =>
  world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait', '--algorithm', 'sha256', ...more);
const checked = (cwd: string, file = '../SUMS') =>
  world.run(join(cwd, 'dst'), 'sha256sum', '--quiet', '-c', file);
const paths = (cwd: string, file = 'SUMS') =>
  readFileSync(join(cwd, file), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => line.replace(/^\S+ {2}/, ''));
const logOf = (cwd: string, ran: Ran, ending = 'log') =>
  readFileSync(join(cwd, `${announcedJob(ran.stdout)}.${ending}`), 'utf8');

describe.concurrent('--manifest', () => {
  it('is of what the run has brought or found at the destination, and of nothing else', async () => {
    const cwd = await prepared({ other: 'o', a: 'older' });
    const ran = await copy(cwd, '--manifest', 'SUMS');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(paths(cwd)).toEqual(['a', 'sub/b', 'sub/new\\nline']);
    expect(await checked(cwd)).toMatchObject({ exitCode: 0, stdout: '' });
    expect(logOf(cwd, ran)).toContain('\nAll 3 files are copied.\nThe manifest of 3 files is made.\n');
    rmSync(join(cwd, 'SUMS'));
    expect(await copy(cwd, '--manifest', 'SUMS')).toMatchObject({ exitCode: 0 });
    expect(paths(cwd)).toHaveLength(3);
  });

  it('has a file that several tasks have copied, hashed by the one that has its beginning', async () => {
    const cwd = await prepared();
    writeFileSync(join(cwd, 'src/large'), Buffer.alloc(40_000_000, 'large'));
    giveToUser(cwd);
    const ran = await copy(cwd, '--manifest', 'SUMS', '--shards', '5');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(await checked(cwd)).toMatchObject({ exitCode: 0 });
    expect(paths(cwd)).toContain('large');
    const hashing = readJournalsOf(cwd).filter(
      ({ line }) => line.type === 'journal' && line.phase === 'hash',
    );
    // Of five shards three lie in the file, and finish
    expect(hashing.length).toBeLessThan(5);
  });

  it('comes after --verify, and before --delete', async () => {
    const cwd = await prepared({ extra: 'e' });
    const more = ['--verify', 'checksum', '--delete', '--max-delete', '50%'];
    const ran = await copy(cwd, '--manifest', 'SUMS', ...more);
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(ran.stderr).toMatch(/attempt 2 compares .*\n.*attempt 3 hashes .*\n.*attempt 4 removes /);
    expect(await checked(cwd)).toMatchObject({ exitCode: 0 });
    expect(paths(cwd)).toHaveLength(3);
    expect(existsSync(join(cwd, 'dst/extra'))).toBe(false);
  });

  it('is not made when something cannot be read, and is by --retry when that is mended', async () => {
    const cwd = await prepared({ a: 'mine' });
    writeFileSync(join(cwd, 'SUMS'), 'of yesterday\n');
    giveToUser(join(cwd, 'SUMS'));
    chmodSync(join(cwd, 'dst/a'), 0);
    const ran = await copy(cwd, '--manifest', 'SUMS', '--ignore-existing');
    expect(ran.exitCode).toBe(3);
    expect(ran.stderr).toContain('all is copied, but no manifest is made');
    expect(readFileSync(join(cwd, 'SUMS'), 'utf8')).toBe('of yesterday\n');
    expect(logOf(cwd, ran)).toContain('But no manifest is made: only a person can mend permission denied');
    expect(logOf(cwd, ran, 'err')).toMatch(/^1 not hashed: permission denied \(EACCES\)\n {2}a \(hash\)\n/);
    chmodSync(join(cwd, 'dst/a'), 0o644);
    const again = await copy(cwd, '--manifest', 'SUMS', '--ignore-existing', '--retry');
    expect(again, again.stderr).toMatchObject({ exitCode: 0 });
    expect(await checked(cwd)).toMatchObject({ exitCode: 0 });
    expect(runDirectories(cwd)).toHaveLength(1);
  });

  it('can be had of a copy that is complete, by --retry', async () => {
    const cwd = await prepared();
    expect(await copy(cwd)).toMatchObject({ exitCode: 0 });
    expect(await copy(cwd, '--retry', '--manifest', 'SUMS')).toMatchObject({ exitCode: 0 });
    expect(await checked(cwd)).toMatchObject({ exitCode: 0 });
    writeFileSync(join(cwd, 'dst/a'), 'changed since');
    expect(await copy(cwd, '--retry', '--manifest', 'LATER')).toMatchObject({ exitCode: 0 });
    expect(await checked(cwd, '../LATER')).toMatchObject({ exitCode: 0 });
    expect(await checked(cwd)).toMatchObject({ exitCode: 1 });
  });

  it('may lie in the destination, and is not in itself', async () => {
    const cwd = await prepared();
    const ran = await copy(cwd, '--manifest', 'dst/SUMS');
    expect(ran.stderr).toContain('the manifest lies in the destination, and is not in itself');
    expect(paths(cwd, 'dst/SUMS')).toEqual(['a', 'sub/b', 'sub/new\\nline']);
    expect(await checked(cwd, 'SUMS')).toMatchObject({ exitCode: 0 });
  });

  it.each([
    ['src/SUMS', 2, 'cannot write src/SUMS: it lies in the source'],
    ['dst/a', 2, 'cannot write dst/a: what the source has of this name is to be copied there'],
    ['nowhere/SUMS', 6, 'cannot write nowhere/SUMS: ENOENT'],
    ['src', 6, 'cannot write src: it is a directory'],
    ['/dev/null', 6, 'cannot write /dev/null: '],
    ['dst/..', 6, 'cannot write dst/..: it must end with a name of its own'],
  ])('refuses %s, and then nothing is copied', async (file, exitCode, why) => {
    const cwd = await prepared();
    const ran = await copy(cwd, '--manifest', file);
    expect(ran).toMatchObject({ exitCode });
    expect(ran.stderr).toContain(why);
    expect(existsSync(join(cwd, 'dst/sub'))).toBe(false);
    expect(existsSync(join(cwd, '.bcopy'))).toBe(false);
  });
});
