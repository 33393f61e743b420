import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { put } from '../helpers/damage.ts';
import { makeManyFiles } from '../helpers/tree.ts';
import { announcedJob, readJournalsOf, runDirectories } from './run-files.ts';
import { giveToUser, openOrSkip, openWorld, type World } from './world.ts';

const { open } = openOrSkip(['slurm']);

/** A task for each of two nodes: each takes more than half of one. */
const words = ['-s', 'src', '-d', 'dst', '--shards', '2', '--workers', '2', '--cpus-per-task', '3'];

function prepared(world: World): string {
  const cwd = world.directory();
  makeManyFiles(join(cwd, 'src'), { files: 400, directories: 4, bytes: 20 });
  giveToUser(join(cwd, 'src'));
  return cwd;
}

/** Who has worked on each shard in an attempt, by SLURM's name of the node. */
function nodesOf(cwd: string, attempt: number): Map<number, string | undefined> {
  const headers = readJournalsOf(cwd).flatMap(({ line }) => (line.type === 'journal' ? [line] : []));
  const own = headers.filter((line) => line.attempt === attempt && line.shard !== 'finish');
  return new Map(own.map(({ shard, node }) => [shard as number, node]));
}

/** The process that compares a shard in this attempt and has recorded something. */
async function comparerOf(cwd: string, shard: number, attempt: number): Promise<number> {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const journals = join(runDirectories(cwd)[0]!, 'journals');
    const names = existsSync(journals) ? readdirSync(journals) : [];
    const name = names.find((file) => file.startsWith(`${shard}.${attempt}-`));
    if (name !== undefined && readFileSync(join(journals, name), 'utf8').includes('"verified"'))
      return Number(/-(\d+)\.jsonl$/.exec(name)![1]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no worker of shard ${shard} has compared anything`);
}

describe.runIf(open.includes('slurm'))('a comparison on a cluster', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld('slurm', 2);
  });
  afterAll(() => world?.close());

  it('is done on other nodes than those that have copied', async () => {
    const cwd = prepared(world);
    const ran = await world.bcopy(cwd, ...words, '--verify', 'checksum', '--wait');
    expect(ran).toMatchObject({ exitCode: 0 });
    const [copied, compared] = [nodesOf(cwd, 1), nodesOf(cwd, 2)];
    expect([...copied.values()].sort()).toEqual(['n1', 'n2']);
    for (const [shard, node] of compared) expect(node).not.toBe(copied.get(shard));
    const attempt = JSON.parse(
      readFileSync(join(runDirectories(cwd)[0]!, 'attempts/2/attempt.json'), 'utf8'),
    );
    expect(attempt.arrays).toHaveLength(2);
    expect(attempt.arrays.flatMap(({ notOn }: { notOn: string[] }) => notOn).sort()).toEqual(['n1', 'n2']);
  });

  it('is done on any node where SLURM refuses the others', async () => {
    const cwd = prepared(world);
    const job = announcedJob((await world.bcopy(cwd, ...words, '--wait')).stdout);
    const ran = await world.bcopy(cwd, 'verify', job, '--sbatch-arg=--nodelist=n1', '--cpus-per-task', '1');
    expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('no difference') });
    expect([...nodesOf(cwd, 2).values()]).toEqual(['n1', 'n1']);
  });

  it('goes on after its worker was killed, and compares nothing twice', async () => {
    const cwd = prepared(world);
    const job = announcedJob((await world.bcopy(cwd, ...words, '--wait')).stdout);
    put(join(cwd, 'dst', 'd0/f0'), 3, 'X');
    const slowly = ['--ops-limit', '50', '--threads', '2', '--checkpoint', '0.2'];
    const verifying = world.bcopy(cwd, 'verify', job, ...slowly);
    const shard = 0;
    await new Promise((resolve) => setTimeout(resolve, 500));
    process.kill(await comparerOf(cwd, shard, 2), 'SIGKILL');
    const { exitCode, stdout, stderr } = await verifying;
    expect(stderr).toContain('attempt 3 compares');
    expect(stdout).toContain('content d0/f0 (from byte 3 on)\n');
    expect(stdout).toContain('405 entries compared');
    expect(exitCode).toBe(4);
    expect(await world.bcopy(cwd, ...words, '--retry', '--wait')).toMatchObject({ exitCode: 0 });
    expect(await world.bcopy(cwd, 'compare', 'src', 'dst')).toMatchObject({ exitCode: 0 });
  });
});
