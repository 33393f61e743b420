import { chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { announcedJob } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

let world: World;
let cwd: string;

beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

beforeEach(() => {
  cwd = world.directory();
  mkdirSync(join(cwd, 'src/sub'), { recursive: true });
  for (const name of ['a', 'b', 'closed', 'sub/c']) writeFileSync(join(cwd, 'src', name), name);
  linkSync(join(cwd, 'src/a'), join(cwd, 'src/sub/link'));
  symlinkSync('a', join(cwd, 'src/symlink'));
  giveToUser(cwd);
});

async function copy(exitCode: number, ...words: string[]): Promise<string> {
  const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--wait', ...words);
  expect(ran).toMatchObject({ exitCode });
  return announcedJob(ran.stdout);
}

const verify = (job: string, ...words: string[]) => world.bcopy(cwd, 'verify', job, ...words);

describe('bcopy verify JOBID', () => {
  it('compares all that a whole run has copied, and nothing that came later', async () => {
    const job = await copy(0);
    writeFileSync(join(cwd, 'dst/sub/later'), '');
    writeFileSync(join(cwd, 'src/sub/later too'), '');
    const { exitCode, stdout } = await verify(job, '--no-preserve', 'times');
    expect(stdout).toBe('8 entries compared, 13 B of content: no difference.');
    expect(exitCode).toBe(0);
  });

  it('finds what is lost, changed or a file of its own', async () => {
    const job = await copy(0);
    rmSync(join(cwd, 'dst/b'));
    writeFileSync(join(cwd, 'dst/sub/c'), 'sub/C');
    rmSync(join(cwd, 'dst/sub/link'));
    writeFileSync(join(cwd, 'dst/sub/link'), 'a');
    const { exitCode, stdout } = await verify(job, '--no-preserve', 'times,owner');
    expect(stdout.split('\n').slice(0, -1).sort()).toEqual([
      'content sub/c (from byte 4 on)',
      'hard-links sub/link (a file of its own, but a further name in the source)',
      'missing b',
    ]);
    expect(exitCode).toBe(4);
  });

  it('leaves out what the run could not copy', async () => {
    chmodSync(join(cwd, 'src/closed'), 0);
    const job = await copy(3);
    chmodSync(join(cwd, 'src/closed'), 0o644);
    expect(await verify(job)).toMatchObject({
      exitCode: 0,
      stdout: '7 entries compared, 7 B of content: no difference.',
    });
  });

  it('finds a byte in a file that several workers have copied', async () => {
    writeFileSync(join(cwd, 'src/large'), '');
    truncateSync(join(cwd, 'src/large'), 40 * 2 ** 20);
    giveToUser(cwd);
    const job = await copy(0, '--shards', '4');
    expect(await verify(job)).toMatchObject({ exitCode: 0 });
    writeFileSync(join(cwd, 'dst/large'), Buffer.alloc(40 * 2 ** 20).fill(1, 30_000_000, 30_000_001));
    const { stdout } = await verify(job, '--no-preserve', 'times');
    expect(stdout).toContain('content large (from byte 30000000 on)\n');
  });

  it('does not compare what the run was not to keep', async () => {
    const job = await copy(0, '--no-preserve', 'mode,times,links');
    chmodSync(join(cwd, 'dst/a'), 0o600);
    expect(await verify(job)).toMatchObject({ exitCode: 0 });
  });

  it.each([
    [['4711'], 10, 'bcopy: cannot find job 4711: no run of bcopy in this directory or elsewhere has it'],
    [['x'], 2, 'bcopy: cannot do bcopy verify: x: it is not a job number'],
    [['7', '-s', 'src'], 2, 'bcopy: cannot do bcopy verify: --source does not go with a job number'],
  ])('refuses %j in a sentence', async (words, exitCode, sentence) => {
    const ran = await world.bcopy(cwd, 'verify', ...words);
    expect(ran).toMatchObject({ exitCode, stdout: '' });
    expect(ran.stderr.split('\n')[0]).toBe(sentence);
  });
});
