import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
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

/** On the tape something is left just before and just behind a directory in which all is the same. */
async function makeTrees(others: number): Promise<void> {
  const files = { a: 'a', b: 'b' };
  const more = Object.fromEntries(Array.from({ length: others }, (_, i) => [`f${i}`, 'x']));
  await makeTree(src(''), { more, one: { ...files, same: { ...files, last: files } } });
  giveToUser(src(''));
  await world.run(cwd, 'find', 'src', '-depth', '-exec', 'touch', '-hd', '@1000000000', '{}', '+');
  await world.run(cwd, 'cp', '-a', 'src', 'dst');
  for (const name of ['one/b', 'one/same/last/a']) appendFileSync(src(name), 'changed before the scan');
}

const begin = (...words: string[]) =>
  begunAndHeld(world, cwd, '-s', 'src', '-d', 'dst', '--max-attempts', '1', ...words);

describe('what changes after the scan has found it the same', () => {
  it.each([
    ['one task', 0, []],
    ['several tasks', 0, ['--workers', '2', '--shards', '2']],
    // What is the same there is in a journal of the scan: the task knows that what has no record is to be looked at by itself
    ['a task with more that is the same', 40, []],
  ])('does not leave its directory with another time: %s', async (_, others, words) => {
    await makeTrees(others);
    const job = await begin(...words);
    writeFileSync(src('one/same/b'), 'changed after the scan');
    expect(await letGo(world, cwd, job)).toMatchObject({ phase: 'complete' });
    const left = (await rsyncDifferences(src(''), dst(''))).split('\n').filter((line) => line !== '');
    // As rsync would, that which is read once may come with the next run
    expect(left.filter((line) => !line.endsWith(' one/same/b'))).toEqual([]);
    await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait');
    expect(await rsyncDifferences(src(''), dst(''))).toBe('');
    expect(readFileSync(dst('one/same/b'), 'utf8')).toBe('changed after the scan');
  });
});
