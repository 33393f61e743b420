import { linkSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RangeSet } from '../../core/model/ranges.ts';
import { makeManyFiles } from '../helpers/tree.ts';
import {
  announcedJob,
  readJournalsOf,
  rsyncDifferences,
  runDirectories,
  waitForStatus,
} from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

const MiB = 2 ** 20;
const args = ['-s', 'src', '-d', 'dst', '--shards', '1'];

function makeSource(cwd: string, size: number): void {
  makeManyFiles(join(cwd, 'src'), { files: 300, directories: 3, bytes: 100 });
  // Data all over: holes would be nothing to copy
  writeFileSync(join(cwd, 'src/large'), Buffer.alloc(size / 2, 'large file'));
  writeFileSync(join(cwd, 'src/large'), Buffer.alloc(size / 2, 'its second half'), { flag: 'a' });
  linkSync(join(cwd, 'src/large'), join(cwd, 'src/too'));
  giveToUser(join(cwd, 'src'));
}

/** The worker whose current directory is the run's. */
async function workerOf(run: string): Promise<number> {
  for (;;) {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const [directory, command] = [() => readlinkSync(`/proc/${pid}/cwd`), () => commandOf(pid)];
      try {
        if (directory() === run && command().includes('workers/main.js\0task')) return Number(pid);
      } catch {
        // It has ended
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const commandOf = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, 'latin1');

/** Waits until so much of the large file is at the destination under its temporary name. */
async function waitForBytes(directory: string, bytes: number): Promise<void> {
  const blocks = () => {
    const name = readdirSync(directory).find((one) => one.endsWith('.parts'));
    return name === undefined ? 0 : statSync(join(directory, name)).blocks * 512;
  };
  while (blocks() < bytes) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** What was recorded of the large file, by attempt. */
function partsOf(cwd: string, attempt: number): { from: number; to: number }[] {
  return readJournalsOf(cwd).flatMap(({ file, line }) =>
    file.startsWith(`0.${attempt}-`) && line.type === 'part' ? [{ from: line.from, to: line.to }] : [],
  );
}

it.each([
  ['SIGUSR1', 600],
  ['SIGTERM', 120],
  ['SIGINT', 120],
] as const)(
  'a worker that gets %s in the middle of a file of %d MiB is cut off, and the next copies only the rest',
  async (signal, mebibytes) => {
    const cwd = world.directory();
    const size = mebibytes * MiB;
    makeSource(cwd, size);
    // Under which the file has three pieces
    const limit = `${mebibytes / 10}M`;
    const ran = await world.bcopy(cwd, ...args, '--bwlimit', limit, '--no-continue');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    const worker = await workerOf(runDirectories(cwd)[0]!);
    await waitForBytes(join(cwd, 'dst'), size / 6);
    process.kill(worker, signal);
    const job = announcedJob(ran.stdout);
    const { shards } = await waitForStatus(world, cwd, job, ({ phase }) => phase === 'incomplete');
    expect(shards[0]).toMatchObject({ phase: 'cut off' });
    const had = partsOf(cwd, 1);
    expect(had.length).toBeGreaterThan(0);

    const last = await world.bcopy(cwd, ...args, '--retry', '--wait');
    expect(last, last.stderr).toMatchObject({ exitCode: 0 });
    const parts = new RangeSet();
    for (const { from, to } of [...had, ...partsOf(cwd, 2)])
      expect(parts.add(from, to), `${from} to ${to} was copied again`).toEqual([{ from, to }]);
    expect(parts.covers(0, size)).toBe(true);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'), '--checksum')).toBe('');
    expect(readdirSync(join(cwd, 'dst')).filter((name) => name.startsWith('.bcopy'))).toEqual([]);
  },
);
