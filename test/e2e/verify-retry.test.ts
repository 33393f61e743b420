import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepingTimes, put } from '../helpers/damage.ts';
import { announcedJob, readJournalsOf, rsyncDifferences } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;
/** Only what lies at these places of the large file is not a hole. */
const islands = [0, GiB, 3 * GiB + 123_456_789];

let world: World;
let cwd: string;
const copyWords = ['-s', 'src', '-d', 'dst', '--shards', '3', '--workers', '2', '--cpus-per-task', '1'];

beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

beforeEach(() => {
  cwd = world.directory();
  const src = (path: string) => join(cwd, 'src', path);
  mkdirSync(src('sub/lost'), { recursive: true });
  for (const name of ['a', 'sub/b', 'sub/lost/c', 'own']) writeFileSync(src(name), name);
  linkSync(src('a'), src('sub/two'));
  for (const name of ['large', 'holey']) writeFileSync(src(name), '');
  truncateSync(src('large'), 4 * GiB);
  for (const at of islands) put(src('large'), at, 'island');
  truncateSync(src('holey'), 8 * MiB);
  giveToUser(cwd);
});

const dst = (path: string) => join(cwd, 'dst', path);
const inDirectory = (path: string, change: () => void) => keepingTimes(dst(dirname(path)), change);

/** One flipped byte, one lost file, one changed mode, one wrong hard link, one filled hole. */
function damageAll(): void {
  put(dst('large'), islands[2]! + 3, 'A');
  inDirectory('sub/lost/c', () => rmSync(dst('sub/lost/c')));
  chmodSync(dst('sub/b'), 0o600);
  inDirectory('sub/two', () => {
    rmSync(dst('sub/two'));
    execFileSync('cp', ['-a', dst('a'), dst('sub/two')]);
  });
  put(dst('holey'), 3 * MiB, '\0'.repeat(MiB));
}

const differences = [
  `content large (from byte ${islands[2]! + 3} on)`,
  'hard-links sub/two (a file of its own, but a further name in the source)',
  `holes holey (${MiB} bytes of holes are filled)`,
  'missing sub/lost/c',
  'mode sub/b (0644, 0600 at the destination)',
];

async function copied(...words: string[]): Promise<string> {
  const ran = await world.bcopy(cwd, ...copyWords, '--wait', ...words);
  expect(ran).toMatchObject({ exitCode: 0 });
  return announcedJob(ran.stdout);
}

async function expectMended(): Promise<void> {
  expect(await world.bcopy(cwd, 'compare', 'src', 'dst')).toMatchObject({ exitCode: 0 });
  expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
}

const found = (stdout: string) => stdout.split('\n').slice(0, -1).sort();

describe('what bcopy verify has found', () => {
  it('in what a run has copied, --retry mends, and copies nothing else', async () => {
    const job = await copied();
    damageAll();
    const verified = await world.bcopy(cwd, 'verify', job);
    expect(found(verified.stdout)).toEqual(differences);
    expect(verified.exitCode).toBe(4);
    const { stdout: json } = await world.bcopy(cwd, 'status', job, '--json');
    const { phase, account, verified: told } = JSON.parse(json);
    expect(phase).toBe('incomplete');
    expect(account.left.entries).toBe(5);
    expect(told).toMatchObject({ entries: 10, differences: 5 });

    const retried = await world.bcopy(cwd, ...copyWords, '--retry', '--wait');
    expect(retried).toMatchObject({ exitCode: 0 });
    expect(retried.stdout).toContain('All 7 files are copied.');
    await expectMended();
    const copies = readJournalsOf(cwd)
      .filter(({ file }) => /^\d+\.3-/.test(file))
      .flatMap(({ line }) => (line.type === 'done' ? [line.copied.entries] : []));
    // holey, the lost file; the large one is in parts, and the mode needs no copy
    expect(copies.reduce((sum, entries) => sum + entries, 0)).toBe(2);
    expect(await world.bcopy(cwd, 'verify', job)).toMatchObject({ exitCode: 0 });
    expect((await world.bcopy(cwd, ...copyWords, '--retry')).stdout).toContain('Nothing is left to copy');
  });

  it('in two trees that no run has copied, --retry mends', async () => {
    execFileSync('cp', ['-a', join(cwd, 'src'), join(cwd, 'dst')]);
    damageAll();
    inDirectory('sub/z', () => writeFileSync(dst('sub/z'), ''));
    giveToUser(cwd);
    const verified = await world.bcopy(cwd, 'verify', '-s', 'src', '-d', 'dst', '--shards', '3');
    expect(found(verified.stdout)).toEqual([...differences, 'extra sub/z'].sort());
    expect(verified.exitCode).toBe(4);
    const { stdout } = await world.bcopy(cwd, 'status', '--json');
    expect(JSON.parse(stdout).account).toMatchObject({
      skipped: { entries: 5 },
      left: { entries: 5 },
      failed: { entries: 0 },
    });

    const retried = await world.bcopy(cwd, ...copyWords, '--retry', '--wait');
    expect(retried).toMatchObject({ exitCode: 0 });
    inDirectory('sub/z', () => rmSync(dst('sub/z')));
    await expectMended();
    expect(await world.bcopy(cwd, 'verify', '-s', 'src', '-d', 'dst')).toMatchObject({ exitCode: 0 });
    expect((await world.bcopy(cwd, 'clean')).stdout).toContain('2 runs');
  });

  it('counts as done again when somebody else has mended it', async () => {
    const job = await copied();
    chmodSync(dst('sub/b'), 0o600);
    chmodSync(dst('sub/lost'), 0o700);
    put(dst('large'), islands[1]!, 'I');
    expect(await world.bcopy(cwd, 'verify', job)).toMatchObject({ exitCode: 4 });
    chmodSync(dst('sub/b'), 0o644);
    chmodSync(dst('sub/lost'), 0o755);
    put(dst('large'), islands[1]!, 'i');
    expect(await world.bcopy(cwd, 'verify', job)).toMatchObject({ exitCode: 0 });
    expect((await world.bcopy(cwd, ...copyWords, '--retry')).stdout).toContain('Nothing is left to copy');
    await expectMended();
  });

  it('is looked for in a complete run when --retry asks for a proof, and mended', async () => {
    await copied();
    damageAll();
    const retried = await world.bcopy(cwd, ...copyWords, '--retry', '--verify', 'checksum', '--wait');
    expect(retried).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('copies again what differs'),
    });
    await expectMended();
    expect(readFileSync(join(cwd, `${announcedJob(retried.stdout)}.log`), 'utf8')).toMatch(
      /: no difference, \d mended\n/,
    );
  });

  it.each(['size', 'checksum'])('is looked for once by --retry --verify %s', async (by) => {
    const job = await copied();
    const words = [...copyWords, '--retry', '--verify', by, '--wait'];
    const retried = announcedJob((await world.bcopy(cwd, ...words)).stdout);
    expect(await world.bcopy(cwd, 'status', job, '--json')).toMatchObject({
      stdout: expect.stringMatching(/"verified":\{"entries":10/),
    });
    expect((await world.bcopy(cwd, ...words)).stdout).toMatch(
      `are at the destination, and were compared; bcopy verify ${retried} compares them again.`,
    );
    // A closer look is another matter
    const closer = await world.bcopy(cwd, ...copyWords, '--retry', '--verify', 'checksum', '--wait');
    expect(closer.stdout).toContain(by === 'size' ? 'is submitted' : 'Nothing is left to copy');
    expect(closer.exitCode).toBe(0);
  });

  it('is looked for again in two trees that bcopy verify has compared, when --retry asks for a proof', async () => {
    execFileSync('cp', ['-a', join(cwd, 'src'), join(cwd, 'dst')]);
    giveToUser(cwd);
    expect(await world.bcopy(cwd, 'verify', '-s', 'src', '-d', 'dst')).toMatchObject({ exitCode: 0 });
    put(dst('large'), islands[1]!, 'I');
    expect(await world.bcopy(cwd, ...copyWords, '--retry', '--verify', 'checksum', '--wait')).toMatchObject({
      exitCode: 0,
    });
    await expectMended();
  });

  it('is told of two files that are one', async () => {
    const job = await copied();
    inDirectory('own', () => {
      rmSync(dst('own'));
      linkSync(dst('a'), dst('own'));
    });
    const verified = await world.bcopy(cwd, 'verify', job);
    expect(verified.stdout).toContain(
      'hard-links own (a further name, but a file of its own in the source)\n',
    );
    expect(await world.bcopy(cwd, ...copyWords, '--retry', '--wait')).toMatchObject({ exitCode: 0 });
    await expectMended();
  });
});
