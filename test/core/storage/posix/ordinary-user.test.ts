import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { GroupOutcome } from '../../../../core/storage/storage.ts';
import { buildStorageProgram, ordinaryUser, type StorageProgram } from '../../../helpers/storage-as-user.ts';
import {
  filesGroup,
  groupFor,
  makeTwoTrees,
  placed,
  requestFor,
  sumOf,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';

let program: StorageProgram;
let trees: TwoTrees;
beforeAll(async () => {
  program = await buildStorageProgram();
});
afterAll(() => program.remove());
beforeEach(() => {
  trees = makeTwoTrees();
  chmodSync(trees.top, 0o755);
  own(trees.source);
  own(trees.destination);
});
afterEach(() => trees.remove());

const own = (path: string) => chownSync(path, ordinaryUser, ordinaryUser);
const source = (name: string) => `${trees.source}/${name}`;
const destination = (name: string) => `${trees.destination}/${name}`;

function make(path: string, mode: number): void {
  writeFileSync(path, 'x');
  own(path);
  chmodSync(path, mode);
}

function makeDirectory(path: string, mode = 0o755): void {
  mkdirSync(path);
  own(path);
  chmodSync(path, mode);
}

async function copyGroup(...entries: Parameters<typeof placed>): Promise<GroupOutcome> {
  const calls = [['copyGroup', groupFor(placed(...entries))]] as const;
  return (await program.run({ request: requestFor(trees), calls }))[0] as GroupOutcome;
}

describe('an ordinary user', () => {
  test('copies his files with their modes', async () => {
    for (const mode of [0o400, 0o644, 0o755, 0o4755]) make(source(mode.toString(8)), mode);
    const work = {
      request: requestFor(trees),
      calls: [['copyGroup', filesGroup(['400', '644', '755', '4755'])]],
    };
    const [group] = (await program.run(work as never)) as [GroupOutcome];
    expect(group.outcomes).toEqual([]);
    expect(group.notes.size).toBe(0);
    for (const name of ['400', '644', '755', '4755'])
      expect((statSync(destination(name)).mode & 0o7777).toString(8)).toBe(name);
  });

  test('is told what he cannot read, and gets the rest', async () => {
    make(source('secret'), 0o000);
    make(source('a'), 0o644);
    makeDirectory(source('d'), 0o000);
    const group = await copyGroup([
      { kind: 'directory', path: '' },
      { kind: 'file', name: 'secret', bytes: 1 },
      { kind: 'file', name: 'a', bytes: 1 },
      { kind: 'directory', path: 'd' },
      { kind: 'file', name: 'inside', bytes: 1 },
    ]);
    expect(group.outcomes.map(({ path, outcome, cause, action }) => [path, outcome, cause, action])).toEqual([
      ['secret', 'failed', 'EACCES', 'open source'],
      ['d/inside', 'failed', 'EACCES', 'open source directory'],
    ]);
    expect(readdirSync(trees.destination)).toEqual(['a']);
  });

  test.runIf(process.getuid?.() === 0)(
    'copies what others let him read, and is told that it is his now',
    async () => {
      writeFileSync(source('theirs'), 'x', { mode: 0o644 });
      const work = { request: requestFor(trees), calls: [['copyGroup', filesGroup(['theirs'])]] };
      const [group] = (await program.run(work as never)) as [GroupOutcome];
      expect([...group.notes]).toEqual([['owner not kept', 1]]);
      expect(statSync(destination('theirs')).uid).toBe(ordinaryUser);
    },
  );

  test.each([
    ['0555', 0o555],
    ['0500', 0o500],
    ['0000', 0o000],
  ])('copies into his own directory of mode %s, which finish closes', async (_, mode) => {
    makeDirectory(source('d'));
    make(source('d/a'), 0o644);
    makeDirectory(source('d/e'));
    make(source('d/e/b'), 0o644);
    chmodSync(source('d'), 0o555);
    makeDirectory(destination('d'), mode);
    const group = await copyGroup([
      { kind: 'directory', path: 'd' },
      { kind: 'file', name: 'a', bytes: 1 },
      { kind: 'directory', path: 'd/e' },
      { kind: 'file', name: 'b', bytes: 1 },
    ]);
    expect(group.outcomes).toEqual([]);
    expect(readFileSync(destination('d/e/b'), 'utf8')).toBe('x');
    await program.run({ request: requestFor(trees), calls: [['completeDirectory', 0, 'd']] });
    expect(statSync(destination('d')).mode & 0o777).toBe(0o555);
  });

  test('makes a directory in his own directory of mode 0555', async () => {
    makeDirectory(source('d'));
    makeDirectory(source('d/e'));
    makeDirectory(destination('d'), 0o555);
    const group = await copyGroup([{ kind: 'directory', path: 'd/e' }]);
    expect(group.outcomes).toEqual([]);
    await program.run({ request: requestFor(trees), calls: [['completeDirectory', 0, 'd/e']] });
    expect(statSync(destination('d/e')).isDirectory()).toBe(true);
  });

  test('replaces what is in the way in his own directory of mode 0555', async () => {
    makeDirectory(source('d'));
    makeDirectory(source('d/e'));
    makeDirectory(destination('d'));
    make(destination('d/e'), 0o644);
    chmodSync(destination('d'), 0o555);
    const group = await copyGroup([{ kind: 'directory', path: 'd/e' }]);
    expect(group.outcomes).toEqual([]);
    expect(statSync(destination('d/e')).isDirectory()).toBe(true);
  });

  test.runIf(process.getuid?.() === 0)("leaves others' directories as they are", async () => {
    makeDirectory(source('d'));
    make(source('d/a'), 0o644);
    makeDirectory(source('closed'));
    make(source('closed/b'), 0o644);
    mkdirSync(destination('d'), { mode: 0o755 });
    mkdirSync(destination('closed'), { mode: 0o700 });
    const group = await copyGroup([
      { kind: 'directory', path: 'd' },
      { kind: 'file', name: 'a', bytes: 1 },
      { kind: 'directory', path: 'closed' },
      { kind: 'file', name: 'b', bytes: 1 },
    ]);
    expect(group.outcomes.map(({ path, cause }) => [path, cause])).toEqual([
      ['d/a', 'EACCES'],
      ['closed/b', 'EACCES'],
    ]);
    expect(statSync(destination('d')).mode & 0o777).toBe(0o755);
    expect(readdirSync(destination('d'))).toEqual([]);
    expect(sumOf(group, 'copied').entries).toBe(0);
  });
});
