import { appendFileSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeTree } from '../helpers/tree.ts';
import { begunAndHeld, letGo } from './held-worker.ts';
import { rsyncDifferences } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

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

/** Something is left before and behind a directory in which all is the same. */
async function makeTrees(): Promise<void> {
  const files = { a: 'a', b: 'b' };
  await makeTree(src(''), { one: files, same: { ...files, c: 'c' }, two: files });
  giveToUser(src(''));
  await world.run(cwd, 'find', 'src', '-depth', '-exec', 'touch', '-hd', '@1000000000', '{}', '+');
  await world.run(cwd, 'cp', '-a', 'src', 'dst');
  for (const name of ['one/b', 'two/a']) appendFileSync(src(name), 'changed before the scan');
  // Its directory has no trace of it, at either side
  utimesSync(src('one'), 1_000_000_000, 1_000_000_000);
}

const begin = (...words: string[]) =>
  begunAndHeld(world, cwd, '-s', 'src', '-d', 'dst', '--max-attempts', '1', ...words);

describe('what changes after the scan has found it the same', () => {
  it.each([
    ['one task', []],
    ['several tasks', ['--workers', '2', '--shards', '2']],
  ])('does not leave its directory with another time: %s', async (_, words) => {
    await makeTrees();
    const job = await begin(...words);
    writeFileSync(src('same/b'), 'changed after the scan');
    expect(await letGo(world, cwd, job)).toMatchObject({ phase: 'complete' });
    const left = (await rsyncDifferences(src(''), dst(''))).split('\n').filter((line) => line !== '');
    // As rsync would, that which is read once may come with the next run
    expect(left.filter((line) => !line.endsWith(' same/b'))).toEqual([]);
    await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait');
    expect(await rsyncDifferences(src(''), dst(''))).toBe('');
    expect(readFileSync(dst('same/b'), 'utf8')).toBe('changed after the scan');
  });
});
