import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeManyFiles } from '../helpers/tree.ts';
import { announcedJob, rsyncDifferences, runDirectories, type StatusFacts } from './run-files.ts';
import { giveToUser, openOrSkip, openWorld, type Ran, type World } from './world.ts';

const { open } = openOrSkip(['slurm']);

describe.skipIf(open.length === 0)('a copy that needs five times its time limit', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld('slurm', 1);
  });
  afterAll(() => world?.close());

  /** One command, with one task that needs five times the limit. */
  async function copy(limitSeconds: number, ...words: string[]): Promise<{ cwd: string; ran: Ran }> {
    const cwd = world.directory();
    const rate = 60;
    makeManyFiles(join(cwd, 'src'), { files: 5 * limitSeconds * rate, directories: 4, bytes: 10 });
    giveToUser(join(cwd, 'src'));
    const args = ['-s', 'src', '-d', 'dst', '--shards', '1', '--cpus-per-task', '1', '--threads', '1'];
    const slowly = ['--ops-limit', `${rate}`, '--checkpoint', '1'];
    return { cwd, ran: await world.bcopy(cwd, ...args, ...slowly, ...words) };
  }

  async function expectWhole({ cwd, ran }: { cwd: string; ran: Ran }): Promise<void> {
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'), '--checksum')).toBe('');
    const attempts = readdirSync(join(runDirectories(cwd)[0]!, 'attempts'));
    expect(attempts.length).toBeGreaterThanOrEqual(5);
  }

  // SLURM looks at the time every 30 s: here each task gets its warning when it has run for two seconds
  it('is whole after one command when each task is warned', async () => {
    const stop = new AbortController();
    const warner = warnEach(world, 2000, stop.signal);
    const done = await copy(2, '--wait');
    stop.abort();
    await warner;
    await expectWhole(done);
  });

  it.runIf(process.env.WALLTIME !== undefined)(
    'is whole after one command with --time 1',
    async () => {
      const { cwd, ran } = await copy(60, '--time', '1');
      while ((await phaseOf(world, cwd, ran)) !== 'complete') await after(2000);
      await expectWhole({ cwd, ran });
    },
    1_200_000,
  );
});

/** How far the copy is; throws when it has ended incomplete. */
async function phaseOf(world: World, cwd: string, { stdout }: Ran): Promise<string> {
  const status = await world.bcopy(cwd, 'status', announcedJob(stdout), '--json');
  const { phase } = JSON.parse(status.stdout) as StatusFacts;
  if (phase === 'incomplete') throw new Error(status.stdout);
  return phase;
}

/** Sends the batch script of each task of an array the warning that it asked for, so long after it was seen to run. */
async function warnEach(world: World, afterMs: number, signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  const warnings: Promise<unknown>[] = [];
  while (!signal.aborted) {
    const { stdout } = await world.run('/', 'squeue', '-h', '-r', '-t', 'R', '-o', '%i');
    for (const task of stdout.split('\n').filter((id) => id.includes('_') && !seen.has(id))) {
      seen.add(task);
      warnings.push(after(afterMs).then(() => world.run('/', 'scancel', '--batch', '--signal=USR1', task)));
    }
    await after(200);
  }
  await Promise.all(warnings);
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
