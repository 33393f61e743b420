import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { giveToUser, openOrSkip, openWorld, type World } from './world.ts';

/** Each is used as the name of the source, of the destination and of the directory to stand in. */
const names: [string, string][] = [
  ['a blank', 'with blank'],
  ['both quotes', `it's "so"`],
  ['a command', '$(touch pwned) `touch pwned`; touch pwned'],
  ['a directive', 'x\n#SBATCH --partition=nosuch\ny'],
  ['a leading dash', '-rf'],
  ['a pattern of SLURM', '%j %A'],
  ['HTML', '<R&D> & {{runId}}'],
];

const { open, skipped } = openOrSkip(['local', 'fakes', 'slurm']);
if (skipped.length > 0) it.skip(`hostile names with ${skipped.join()}`, () => undefined);

describe.each(open)('names are only names with %s', (name) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(name);
  });
  afterAll(() => world.close());

  it.each(names)('%s', async (_, hostile) => {
    const root = world.directory();
    const cwd = join(root, hostile);
    mkdirSync(join(cwd, hostile, 'sub'), { recursive: true });
    execFileSync('sh', ['-c', 'echo content >"$0/file"', join(cwd, hostile, 'sub')]);
    giveToUser(cwd);
    const ran = await world.bcopy(cwd, `--source=${hostile}`, `--destination=to ${hostile}`, '--wait');
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    execFileSync('diff', ['-r', join(cwd, hostile), join(cwd, `to ${hostile}`)]);
    expect(execFileSync('find', [root, '-name', 'pwned'], { encoding: 'utf8' })).toBe('');
  });

  it('bytes that are not UTF-8: the copy is right, or refused with a sentence', async () => {
    const cwd = world.directory();
    const program = `${inject('installed')}/dist/js/cli/main.js`;
    const script = `mkdir -p "$(printf 'd\\377')/$(printf 's\\376')" && cd "$(printf 'd\\377')" && echo x >"$(printf 's\\376/f\\200')" && "$0" -s "$(printf 's\\376')" -d "$(printf 't\\376')" --wait && diff -r "$(printf 's\\376')" "$(printf 't\\376')"`;
    const ran = await world.run(cwd, 'sh', '-c', script, program);
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(ran.stdout).toContain('source:      "s\\376"');
    expect(readdirSync(cwd)).toHaveLength(1);
  });

  it('a backslash in the current directory', async () => {
    const cwd = join(world.directory(), 'back\\slash');
    mkdirSync(join(cwd, 'src'), { recursive: true });
    giveToUser(cwd);
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait');
    if (ran.exitCode === 0) expect(readdirSync(cwd)).toContain('dst');
    else expect(ran.stderr).toContain('without a backslash');
    if (ran.exitCode !== 0) expect(readdirSync(cwd)).not.toContain('dst');
  });
});
