import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
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

const rounds = 12;

/** Repeatable: BCOPY would take a variable of its name for an option, so the seed has another. */
const seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 1e6));

function* randomNumbers(state: number): Generator<number> {
  for (let s = state; ; ) {
    s = (Math.imul(s, 1_664_525) + 1_013_904_223) >>> 0;
    yield s / 2 ** 32;
  }
}

it(`survives ${rounds} kills of its worker (KILL_SEED=${seed}) and never copies what was recorded`, async () => {
  const cwd = world.directory();
  makeManyFiles(join(cwd, 'src'), { files: 24_000, directories: 60, bytes: 500 });
  mkdirSync(join(cwd, 'src/large'));
  writeFileSync(join(cwd, 'src/large/file'), 'begin');
  truncateSync(join(cwd, 'src/large/file'), 300 * 1024 ** 2);
  giveToUser(join(cwd, 'src'));
  const random = randomNumbers(seed);
  const args = [
    '-s',
    'src',
    '-d',
    'dst',
    '--shards',
    '2',
    '--workers',
    '2',
    '--cpus-per-task',
    '1',
    '--checkpoint',
    '0.1',
  ];
  let retry: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const ran = await world.bcopy(cwd, ...args, ...retry);
    if (ran.stdout.includes('Nothing is left')) break;
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    retry = ['--retry'];
    await new Promise((resolve) => setTimeout(resolve, 100 + 900 * random.next().value));
    await killWorkers(runDirectories(cwd)[0]!);
    await waitForStatus(
      world,
      cwd,
      announcedJob(ran.stdout),
      ({ phase }) => phase === 'complete' || phase === 'incomplete',
    );
  }
  const last = await world.bcopy(cwd, ...args, '--retry', '--wait');
  expect(last, last.stderr).toMatchObject({ exitCode: 0 });
  expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'), '--checksum')).toBe('');
  expect(temporaries(join(cwd, 'dst'))).toEqual([]);
  expectNothingTwice(cwd);
  // A kill that always hit before the first record would prove nothing
  expect(successorsAfterRecords(cwd)).toBeGreaterThan(0);
});

/** How many workers took up a shard of which a killed one had recorded something. */
function successorsAfterRecords(cwd: string): number {
  const lines = readJournalsOf(cwd).filter(({ file }) => !file.startsWith('finish'));
  const ended = new Set(lines.filter(({ line }) => line.type === 'end').map(({ file }) => file));
  const recorded = lines.filter(({ file, line }) => line.type === 'done' && !ended.has(file));
  return new Set(recorded.map(({ file }) => file)).size;
}

/** The processes whose current directory is the run's: its workers, and no other. */
async function killWorkers(run: string): Promise<void> {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const script = `[ "$(readlink /proc/$0/cwd)" = "$1" ] && tr '\\0' ' ' </proc/$0/cmdline | grep -q "workers/main.js task" && kill -9 $0`;
    await execa('sh', ['-c', script, pid, run], { reject: false, stdio: 'ignore' });
  }
}

function temporaries(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.includes('.bcopy.'));
}

/** Every entry is in one record of a success at most: a successor skips what its predecessors have recorded. */
function expectNothingTwice(cwd: string): void {
  const seen = new Set<number>();
  for (const { file, line } of readJournalsOf(cwd)) {
    if (line.type !== 'done' || file.startsWith('finish')) continue;
    for (let ordinal = line.from; ordinal < line.to; ordinal++) {
      expect(seen.has(ordinal), `entry ${ordinal} again in ${file}`).toBe(false);
      seen.add(ordinal);
    }
  }
}

it('leaves nothing running when the terminal goes away, and the copy goes on', async () => {
  const cwd = world.directory();
  makeManyFiles(join(cwd, 'src'), { files: 3000, directories: 10, bytes: 100 });
  giveToUser(join(cwd, 'src'));
  const program = `${inject('installed')}/dist/js/cli/main.js`;
  // setsid makes a session that ends with its shell, as a terminal does
  const ran = await world.run(
    cwd,
    'setsid',
    '--wait',
    'sh',
    '-c',
    '"$0" -s src -d dst; kill -HUP 0',
    program,
  );
  const job = announcedJob(ran.stdout);
  await waitForStatus(world, cwd, job, ({ phase }) => phase === 'complete');
  expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
});
