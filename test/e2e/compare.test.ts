import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { giveToUser, openWorld, type World } from './world.ts';

let world: World;
let cwd: string;
const strange = ['-dash', ' lead', 'trail ', 'back\\slash', '\\n', '*', 'ü', 'new\nline', "it's"];

beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

/** `a` and `b` differ in the strange names, which are only in `a`, and in `changed`, `mode`, `gone/in`, `more`. */
beforeEach(() => {
  cwd = world.directory();
  mkdirSync(join(cwd, 'a/gone'), { recursive: true });
  for (const name of ['same', 'changed', 'mode', 'gone/in']) writeFileSync(join(cwd, 'a', name), name);
  execFileSync('cp', ['-a', 'a', 'b'], { cwd });
  for (const name of strange) writeFileSync(join(cwd, 'a', name), name);
  writeFileSync(join(cwd, 'b/changed'), 'CHANGED');
  chmodSync(join(cwd, 'b/mode'), 0o600);
  rmSync(join(cwd, 'b/gone'), { recursive: true });
  writeFileSync(join(cwd, 'b/more'), '');
  for (const path of ['a', 'b', 'a/changed', 'b/changed']) utimesSync(join(cwd, path), 1, 1);
  giveToUser(cwd);
});

const compare = (...words: string[]) => world.bcopy(cwd, 'compare', 'a', 'b', ...words);
const lacking = ['changed', 'gone', 'gone/in', 'mode', ...strange];

describe('bcopy compare A B', () => {
  it('tells all differences, or those of some kinds', async () => {
    const { exitCode, stdout } = await compare('--only', 'content,extra,mode');
    expect(stdout.split('\n')).toEqual([
      'content changed (from byte 0 on)',
      'mode mode (0644, 0600 at the destination)',
      'extra more',
      expect.stringMatching(/^\d+ entries compared, .*: 3 differences\.$/),
    ]);
    expect(exitCode).toBe(4);
    expect(await compare('--only', 'acl')).toMatchObject({ exitCode: 0 });
  });

  it('tells as JSON what any program can take apart', async () => {
    const { stdout } = await compare('--json');
    const found = stdout.split('\n').map((line) => JSON.parse(line));
    expect(found.filter(({ kind }) => kind === 'missing').map(({ path }) => path)).toEqual(
      ['gone', 'gone/in', ...strange].sort(),
    );
  });

  it('lists what B lacks or has otherwise, each path once, with zero bytes', async () => {
    const { exitCode, stdout } = await compare('--list', 'files', '--null');
    expect(stdout.split('\0').slice(0, -1).sort()).toEqual(lacking.toSorted());
    expect(exitCode).toBe(4);
  });

  it('lists paths line by line unless a name has a newline', async () => {
    const refused = await compare('--list', 'files');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('bcopy: cannot list "new\\nline": there is a newline in its name\n');
    rmSync(join(cwd, 'a/new\nline'));
    const { stdout } = await compare('--list', 'files');
    expect(stdout.split('\n').sort()).toEqual(lacking.filter((name) => name !== 'new\nline').sort());
    expect((await compare('--list', 'files', '--only', 'extra')).stdout).toBe('more');
  });

  it.each([
    ['tar', 'tar -C a --no-recursion -T list -cf list.tar'],
    ['tar --null', 'tar -C a --no-recursion --null -T list -cf list.tar'],
  ])('makes lists for %s by which B becomes like A', async (list, command) => {
    await world.run(
      cwd,
      'sh',
      '-c',
      `"$0" compare a b --list ${list} > list`,
      `${inject('installed')}/dist/js/cli/main.js`,
    );
    expect(await world.run(cwd, 'sh', '-c', command)).toMatchObject({ exitCode: 0, stderr: '' });
    await world.run(cwd, 'tar', '-C', 'b', '-xpf', 'list.tar');
    const { stdout } = await compare('--no-preserve', 'times');
    expect(stdout.split('\n').slice(0, -1)).toEqual(['extra more']);
  });

  it.each([
    [['compare', 'a'], 'two directories are to be given'],
    [['compare', 'a', 'b', '--null'], '--null is for a list'],
    [['compare', 'a', 'b', '--json', '--list', 'tar'], '--json is no list'],
    [['compare', 'a', 'b', '--only', 'colour'], '--only colour: it must be some of missing,extra'],
  ])('refuses %j in a sentence', async (words, why) => {
    const ran = await world.bcopy(cwd, ...words);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toContain(`bcopy: cannot do bcopy compare: ${why}`);
  });
});
