import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { fillHostileTree } from '../helpers/hostile-tree.ts';
import { makeManyFiles } from '../helpers/tree.ts';
import { announcedJob, readJournalsOf, runDirectories } from './run-files.ts';
import { giveToUser, openOrSkip, openWorld, type Ran, type World } from './world.ts';

const { open } = openOrSkip(['slurm']);
const isRoot = process.getuid?.() === 0;

let world: World;
beforeAll(async () => {
  if (open.length > 0) world = await openWorld('slurm', 2);
});
afterAll(() => world?.close());

const spread = ['--shards', '4', '--workers', '4', '--cpus-per-task', '1', '--threads', '2'];
const onCluster = (cwd: string, ...words: string[]) => world.bcopy(cwd, ...words, ...spread);
const jobOf = ({ stderr }: Ran) => /job (\d+) is submitted to queue copy/.exec(stderr)?.[1] ?? 'none';

/** Without what is too deep for other programs. */
async function prepared(): Promise<string> {
  const cwd = world.directory();
  mkdirSync(join(cwd, 'tree'));
  fillHostileTree(join(cwd, 'tree'), cwd);
  await world.run(cwd, 'bash', '-c', 'true');
  rmSync(join(cwd, 'tree/sparse'));
  giveToUser(cwd);
  await world.run(cwd, 'bash', '-c', 'rm -rf tree/deep*');
  return cwd;
}

describe.runIf(open.length > 0)('bcopy manifest on a cluster', { concurrent: true }, () => {
  it('is that of this machine, byte for byte, and the programs of all algorithms take it', async () => {
    const cwd = await prepared();
    const tools = { sha256: 'sha256sum', sha1: 'sha1sum', md5: 'md5sum', xxh3: 'xxhsum', blake3: 'b3sum' };
    await Promise.all(
      Object.entries(tools).map(async ([algorithm, tool]) => {
        const by = ['manifest', 'tree', '--algorithm', algorithm, '-o'];
        const [here, there] = [`here.${algorithm}`, `there.${algorithm}`];
        expect((await world.bcopy(cwd, ...by, here, '--scheduler', 'local')).exitCode).toBe(0);
        const ran = await onCluster(cwd, ...by, there);
        expect(ran, ran.stderr).toMatchObject({ exitCode: 0, stdout: '' });
        const made = readFileSync(join(cwd, there));
        expect(made.equals(readFileSync(join(cwd, here)))).toBe(true);
        expect(statSync(join(cwd, there)).mode).toBe(statSync(join(cwd, here)).mode);
        writeFileSync(join(cwd, `${tool}.list`), readableBy(algorithm, made));
        const checked = await world.run(join(cwd, 'tree'), tool, '-c', `../${tool}.list`);
        expect(checked, checked.stderr).toMatchObject({ exitCode: 0 });
        const log = (ending: string) => readFileSync(join(cwd, `${jobOf(ran)}.${ending}`), 'utf8');
        expect(log('err')).toBe('');
        expect(log('log')).toMatch(/\nThe manifest of [\d,]+ files is made\.\n$/);
      }),
    );
  });

  it('is printed without -o, and is not in itself', async () => {
    const cwd = await prepared();
    await world.bcopy(cwd, 'manifest', 'tree', '-o', 'here', '--scheduler', 'local');
    writeFileSync(join(cwd, 'tree/SUMS'), 'of yesterday');
    giveToUser(join(cwd, 'tree/SUMS'));
    const bcopy = `${inject('installed')}/dist/js/cli/main.js`;
    const ran = await world.run(cwd, 'sh', '-c', `"$0" manifest tree --shards 2 >tree/SUMS`, bcopy);
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(cwd, 'tree/SUMS')).equals(readFileSync(join(cwd, 'here')))).toBe(true);
  });

  it.runIf(isRoot)('is not made when something cannot be read, and what there was stays', async () => {
    const cwd = await prepared();
    writeFileSync(join(cwd, 'SUMS'), 'of yesterday\n');
    chownSync(join(cwd, 'SUMS'), 0, 0);
    chmodSync(join(cwd, 'tree/nested/first'), 0);
    mkdirSync(join(cwd, 'tree/closed'), { mode: 0 });
    const ran = await onCluster(cwd, 'manifest', 'tree', '-o', 'SUMS');
    rmSync(join(cwd, 'tree/closed'), { recursive: true });
    chmodSync(join(cwd, 'tree/nested/first'), 0o644);
    expect(ran.exitCode).toBe(5);
    // It has seven names
    expect(ran.stderr).toContain('bcopy: the manifest of tree lacks 8 entries\n');
    expect(ran.stderr).toContain('  nested/first (EACCES)');
    expect(ran.stderr).toContain('  closed (EACCES)');
    expect(readFileSync(join(cwd, 'SUMS'), 'utf8')).toBe('of yesterday\n');
    expect(readFileSync(join(cwd, `${jobOf(ran)}.err`), 'utf8')).toContain('8 not hashed: permission denied');
  });

  it('cannot be where nothing can be written, and then nothing is submitted', async () => {
    const cwd = world.directory();
    mkdirSync(join(cwd, 'tree'));
    const ran = await onCluster(cwd, 'manifest', 'tree', '-o', 'nowhere/SUMS');
    expect(ran).toMatchObject({ exitCode: 6, stderr: 'bcopy: cannot write nowhere/SUMS: ENOENT' });
  });
});

describe.runIf(open.length > 0)('a task', () => {
  async function many(): Promise<string> {
    const cwd = world.directory();
    makeManyFiles(join(cwd, 'tree'), { files: 1200, directories: 4, bytes: 100 });
    giveToUser(cwd);
    return cwd;
  }

  /** Two tasks that are slow enough to be met half way, of which one is killed. */
  async function killed(cwd: string, ...words: string[]): Promise<Ran> {
    const bcopy = `${inject('installed')}/dist/js/cli/main.js`;
    const slow = ['BCOPY_CHECKPOINT=0.1', 'BCOPY_OPS_LIMIT=200'];
    let isOver = false;
    const running = world
      .run(cwd, 'env', ...slow, bcopy, ...words, '--shards', '2', '--threads', '1')
      .finally(() => {
        isOver = true;
      });
    const pid = await pidOfRecordedTask(cwd, () => isOver);
    expect(pid, 'a process that is still at work').toBeDefined();
    process.kill(pid!, 'SIGKILL');
    const ran = await running;
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(ran.stderr).toContain('attempt 2 goes on with what is left');
    return ran;
  }

  it('is killed half way: the manifest is the same, and nothing that was recorded is hashed again', async () => {
    const cwd = await many();
    await killed(cwd, 'manifest', 'tree', '-o', 'there');
    await world.bcopy(cwd, 'manifest', 'tree', '-o', 'here', '--scheduler', 'local');
    expect(readFileSync(join(cwd, 'there'), 'utf8')).toBe(readFileSync(join(cwd, 'here'), 'utf8'));
    const files = readJournalsOf(cwd).map(({ line }) => (line.type === 'digests' ? line.files : 0));
    expect(files.reduce((sum, one) => sum + one)).toBe(1200);
  });

  it('is killed half way: the tree goes all the same', async () => {
    const cwd = await many();
    await killed(cwd, 'remove', 'tree', '--yes');
    expect(existsSync(join(cwd, 'tree'))).toBe(false);
  });
});

/** The lines of names that an algorithm's own program can read. */
function readableBy(algorithm: string, manifest: Buffer): Buffer {
  const lines = manifest.toString('latin1').split('\n');
  const isRead = (line: string) => {
    if (algorithm === 'xxh3') return !line.startsWith('\\');
    return algorithm !== 'blake3' || !Buffer.from(line, 'latin1').toString('utf8').includes('\ufffd');
  };
  return Buffer.from(lines.filter(isRead).join('\n'), 'latin1');
}

/** Of a task that has recorded something and not come to its end; undefined when there is none any more. */
async function pidOfRecordedTask(cwd: string, isOver: () => boolean): Promise<number | undefined> {
  while (!isOver()) {
    const lines = existsSync(join(cwd, '.bcopy')) ? linesSoFar(cwd) : [];
    const ended = new Set(lines.filter(({ line }) => line.type === 'end').map(({ file }) => file));
    const recorded = lines.find(
      ({ file, line }) => (line.type === 'digests' || line.type === 'unlinked') && !ended.has(file),
    );
    if (recorded !== undefined) return Number(/-(\d+)\.jsonl$/.exec(recorded.file)![1]);
    await setTimeout(20);
  }
  return undefined;
}

function linesSoFar(cwd: string): ReturnType<typeof readJournalsOf> {
  try {
    return readJournalsOf(cwd);
  } catch {
    return [];
  }
}

describe.runIf(open.length > 0)('--manifest on a cluster', { concurrent: true }, () => {
  it('is of what was copied and what was there, so that its program takes it at the destination', async () => {
    const cwd = await prepared();
    const ran = await onCluster(
      cwd,
      '-s',
      'tree',
      '-d',
      'dst',
      '--manifest',
      'SUMS',
      '--algorithm',
      'sha256',
      '--wait',
    );
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    const checked = await world.run(join(cwd, 'dst'), 'sha256sum', '--quiet', '-c', '../SUMS');
    expect(checked).toMatchObject({ exitCode: 0, stdout: '' });
    await world.bcopy(cwd, 'manifest', 'tree', '--algorithm', 'sha256', '-o', 'here', '--scheduler', 'local');
    expect(readFileSync(join(cwd, 'SUMS')).equals(readFileSync(join(cwd, 'here')))).toBe(true);
    expect(readFileSync(join(cwd, `${announcedJob(ran.stdout)}.log`), 'utf8')).toMatch(
      /^manifest +\S+SUMS, by sha256:/m,
    );
  });
});

describe.runIf(open.length > 0)('bcopy remove on a cluster', { concurrent: true }, () => {
  it('removes 20,000 entries, whatever their names, but for what cannot go, and the rest the next time', async () => {
    const cwd = await prepared();
    makeManyFiles(join(cwd, 'tree/many'), { files: 11_000, directories: 300, bytes: 10 });
    mkdirSync(join(cwd, 'tree/many/d7/locked/in'), { recursive: true });
    linkSync(join(cwd, 'tree/many/d0/f0'), join(cwd, 'outside'));
    giveToUser(cwd);
    writeFileSync(join(cwd, 'tree/many/d7/locked/in/file'), 'x');
    // The user may write there, and is not root
    if (isRoot) chownSync(join(cwd, 'tree/many/d7/locked/in'), 0, 0);
    else chmodSync(join(cwd, 'tree/many/d7/locked/in'), 0o500);
    chmodSync(join(cwd, 'tree/many/d8'), 0o500);
    const first = await onCluster(cwd, 'remove', 'tree', '--yes');
    expect(first.stdout).toMatch(/^tree: [\d,]+ directories, [\d,]+ other entries, /);
    if (isRoot) {
      expect(first.exitCode, first.stderr).toBe(3);
      expect(first.stderr).toContain('bcopy: tree/many/d7/locked/in/file stays: permission denied (EACCES)');
      expect(readdirSync(join(cwd, 'tree'))).toEqual(['many']);
      expect(readdirSync(join(cwd, 'tree/many'))).toEqual(['d7']);
      expect(readFileSync(join(cwd, `${jobOf(first)}.err`), 'utf8')).toContain(
        '  many/d7/locked/in/file (remove)',
      );
      const status = await world.bcopy(cwd, 'status', jobOf(first), '--json');
      expect(JSON.parse(status.stdout)).toMatchObject({ phase: 'incomplete' });
      chownSync(join(cwd, 'tree/many/d7/locked/in'), ...ownerOf());
    }
    const second = await onCluster(cwd, 'remove', 'tree', '--yes');
    expect(second, second.stderr).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(cwd, 'tree'))).toBe(false);
    expect(readFileSync(join(cwd, 'outside'), 'utf8')).toHaveLength(10);
    const status = await world.bcopy(cwd, 'status', jobOf(second), '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({ phase: 'complete' });
    expect(await world.bcopy(cwd, 'clean')).toMatchObject({ exitCode: 0 });
    expect(runDirectories(cwd)).toHaveLength(isRoot ? 1 : 0);
  });

  it('removes several trees and files at once', async () => {
    const cwd = world.directory();
    for (const name of ['a', 'b']) makeManyFiles(join(cwd, name), { files: 30, directories: 3, bytes: 1 });
    writeFileSync(join(cwd, 'file'), 'x');
    giveToUser(cwd);
    const ran = await world.bcopy(cwd, 'remove', 'a', 'file', 'b/', '--yes');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(ran.stdout).toContain('69 entries are removed.');
    expect(readdirSync(cwd).filter((name) => ['a', 'b', 'file'].includes(name))).toEqual([]);
  });
});

function ownerOf(): [number, number] {
  const [uid, gid] = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === 'bcopytest')!
    .slice(2, 4)
    .map(Number);
  return [uid!, gid!];
}
