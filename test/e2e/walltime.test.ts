import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeManyFiles } from '../helpers/tree.ts';
import {
  announcedJob,
  readJournalsOf,
  rsyncDifferences,
  runDirectories,
  type StatusFacts,
} from './run-files.ts';
import { giveToUser, openOrSkip, openWorld, type Ran, type World } from './world.ts';

const { open } = openOrSkip(['slurm']);

describe.skipIf(open.length === 0)('a copy that needs five times its time limit', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld('slurm', 1);
  });
  afterAll(() => world?.close());

  /** One command, with one task that needs five times the limit. */
  async function copy(cwd: string, limitSeconds: number, ...words: string[]): Promise<Ran> {
    const rate = 60;
    makeManyFiles(join(cwd, 'src'), { files: 5 * limitSeconds * rate, directories: 4, bytes: 10 });
    giveToUser(join(cwd, 'src'));
    const args = ['-s', 'src', '-d', 'dst', '--shards', '1', '--cpus-per-task', '1', '--threads', '1'];
    const slowly = ['--ops-limit', `${rate}`, '--checkpoint', '1'];
    return world.bcopy(cwd, ...args, ...slowly, ...words);
  }

  async function expectWhole(cwd: string, ran: Ran): Promise<void> {
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'), '--checksum')).toBe('');
    const attempts = readdirSync(join(runDirectories(cwd)[0]!, 'attempts'));
    expect(attempts.length).toBeGreaterThanOrEqual(5);
  }

  // SLURM looks at the time every 30 s: here each task gets its warning soon after its first record
  it('is whole after one command when each task is warned', async () => {
    const cwd = world.directory();
    const stop = new AbortController();
    const warner = warnEach(world, cwd, stop.signal);
    const ran = await copy(cwd, 2, '--wait', '--max-attempts', '40').finally(() => stop.abort());
    await warner;
    await expectWhole(cwd, ran);
  });

  it.runIf(process.env.WALLTIME !== undefined)(
    'is whole after one command with --time 1',
    async () => {
      const cwd = world.directory();
      const ran = await copy(cwd, 60, '--time', '1');
      while ((await phaseOf(world, cwd, ran)) !== 'complete') await after(2000);
      await expectWhole(cwd, ran);
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

/** Sends the batch script of each task the warning that it asked for, when its worker has recorded something. */
async function warnEach(world: World, cwd: string, signal: AbortSignal): Promise<void> {
  const warned = new Set<string>();
  while (!signal.aborted) {
    const lines = existsSync(join(cwd, '.bcopy')) ? journalsOf(cwd) : [];
    for (const { file, line } of lines) {
      if (line.type !== 'done' || file.startsWith('finish') || warned.has(file)) continue;
      warned.add(file);
      const header = lines.find((other) => other.file === file && other.line.type === 'journal')!.line;
      if (header.type === 'journal') await world.run('/', 'scancel', '--batch', '--signal=USR1', header.job);
    }
    await after(100);
  }
}

function journalsOf(cwd: string): ReturnType<typeof readJournalsOf> {
  try {
    return readJournalsOf(cwd);
  } catch {
    // Its directory is still being made
    return [];
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
