import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PosixStorage } from '../../core/storage/posix/posix-storage.ts';
import { randomNumbers } from '../helpers/random.ts';
import { filesGroup, requestFor } from '../helpers/storage-trees.ts';
import { makeManyFiles } from '../helpers/tree.ts';
import { mountToCut, type PowerCutFileSystem } from './power-cut.ts';
import { type PreparedRun, prepareRun } from './prepared-run.ts';
import { makeSmallTree } from './small-tree.ts';
import { faultsAfterCut, faultsAfterRetry } from './verdict.ts';

const seed = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 1e6));
const rounds = process.env.FAULTS === 'full' ? 60 : 1;
const random = randomNumbers(seed);
const MiB = 2 ** 20;

describe.each(['ext4', 'xfs'] as const)('when the power is cut under %s', (kind) => {
  const mounted = mountToCut(kind);
  if (typeof mounted === 'string') console.log(`skipped: a power cut under ${kind}: ${mounted}`);
  const disk = mounted as PowerCutFileSystem;
  const top = mkdtempSync(join(tmpdir(), 'bcopy-cut-'));
  const trees = { source: join(top, 'src'), destination: join(disk.path ?? top, 'dst') };
  let run: PreparedRun;

  beforeAll(async () => {
    await makeSmallTree(trees.source);
    makeManyFiles(join(trees.source, 'many'), { files: 400, directories: 8, bytes: 3000 });
    for (const name of ['a', 'b', 'c']) await makeTrailingHole(join(trees.source, `many/${name}`));
  });
  afterAll(() => {
    if (typeof mounted !== 'string') mounted.remove();
    rmSync(top, { recursive: true, force: true });
  });

  /** A destination that is on the disk as an empty directory. */
  async function begin(): Promise<void> {
    rmSync(trees.destination, { recursive: true, force: true });
    mkdirSync(trees.destination);
    execFileSync('sync', ['-f', disk.path]);
    run = await prepareRun({ ...trees, shards: 1, sync: 'checkpoint', checkpointSeconds: 0.05, tries: 1 });
  }

  /** Mounts again what was left, looks at it, goes on with the copy, and looks again. */
  async function comeBack(): Promise<string[]> {
    disk.restart();
    try {
      const complaints = await faultsAfterCut(run, trees);
      const ends = { tasks: [await run.task(2, 0)], finish: await run.finish(2) };
      return [...complaints, ...(await faultsAfterRetry(run, trees, ends))];
    } finally {
      run.remove();
    }
  }

  /** The machine dies with its disk. */
  async function runUntilCut(ms: number): Promise<void> {
    const killed = new AbortController();
    const moment = setTimeout(() => {
      disk.cut();
      killed.abort();
    }, ms);
    const { code } = await run.task(1, 0, { killed: killed.signal });
    if (code === 0) await run.finish(1, { killed: killed.signal });
    clearTimeout(moment);
    if (!killed.signal.aborted) disk.cut();
  }

  it.skipIf(typeof mounted === 'string')('what a task that said done has recorded is there', async () => {
    await begin();
    expect((await run.task(1, 0)).code).toBe(0);
    disk.cut();
    expect(await comeBack()).toEqual([]);
  });

  it.skipIf(typeof mounted === 'string')('what finish said is complete is there', async () => {
    await begin();
    expect((await run.task(1, 0)).code).toBe(0);
    expect((await run.finish(1)).code).toBe(0);
    disk.cut();
    expect(await comeBack()).toEqual([]);
  });

  it.skipIf(typeof mounted === 'string')(
    `at any moment, nothing passes for a copy that is none (${rounds} cuts, FAULT_SEED=${seed})`,
    async () => {
      for (let round = 0; round < rounds; round++) {
        await begin();
        await runUntilCut(80 + random(400));
        expect({ round, complaints: await comeBack() }).toEqual({ round, complaints: [] });
      }
    },
    3_600_000,
  );

  /** Copies with a storage that is never synced, cuts, copies again, and compares. */
  async function copyTwice(name: string, copy: (storage: PosixStorage, bytes: number) => Promise<void>) {
    rmSync(trees.destination, { recursive: true, force: true });
    mkdirSync(trees.destination);
    execFileSync('sync', ['-f', disk.path]);
    const source = join(trees.source, 'many');
    const { size } = statSync(join(source, name));
    const storage = new PosixStorage(requestFor({ source, destination: trees.destination }));
    await copy(storage, size).finally(() => storage.close());
    await putNamesOnDisk();
    disk.cut();
    disk.restart();
    const again = new PosixStorage(requestFor({ source, destination: trees.destination }));
    expect(again.copyGroup(filesGroup([name], size)).outcomes).toEqual([]);
    again.close();
    execFileSync('cmp', [join(source, name), join(trees.destination, name)]);
  }

  /** Names, sizes and times, as any other program may at any time, and nobody else's content. */
  async function putNamesOnDisk(): Promise<void> {
    const other = await open(join(disk.path, 'other'), 'w');
    await other.writeFile('x');
    await other.sync();
    await other.close();
  }

  it.skipIf(typeof mounted === 'string')(
    'a file that ends in a hole has its size only with its content',
    () =>
      copyTwice('a', async (storage, bytes) => {
        expect(storage.copyGroup(filesGroup(['a'], bytes)).outcomes).toEqual([]);
      }),
  );

  it.skipIf(typeof mounted === 'string')('a file in pieces has its name only with its content', async () => {
    writeFileSync(join(trees.source, 'many/pieces'), Buffer.alloc(3 * MiB, 'piece by piece'));
    await copyTwice('pieces', async (storage, bytes) => {
      const piece = { ordinal: 1, path: 'pieces', bytes };
      const last = storage.copyPart({ ...piece, from: 2 * MiB });
      // A checkpoint comes between
      await storage.sync();
      const first = storage.copyPart({ ...piece, from: 0, to: 2 * MiB });
      if (!('part' in last && 'part' in first)) throw new Error('not copied');
      const { version, temporary, same } = first.part;
      expect(storage.completeFile({ ...piece, version, temporary, same })).toEqual({ kind: 'copied' });
    });
  });
});

async function makeTrailingHole(path: string): Promise<void> {
  writeFileSync(path, Buffer.alloc(50_000, 'before the hole'));
  execFileSync('truncate', ['-s', '1M', path]);
  execFileSync('touch', ['-d', '@1000000000.5', path]);
}
