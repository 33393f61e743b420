import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { execaSync } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestBytes } from '../../../core/model/digest-set.ts';
import { PlainCollector, PlainWriter, readPlain } from '../../../core/run/plain-file.ts';
import { journalName, makeRun, type RunFixture } from '../../helpers/run-fixture.ts';

const MiB = 2 ** 20;
const atMost = 32 * MiB;

let run: RunFixture;
beforeEach(() => {
  run = makeRun();
});
afterEach(() => run.remove());

const bytes = (count: number, value: number) => new Uint8Array(count).fill(value);

describe('digests of groups', () => {
  const groups = async () => (await readPlain(run.paths))?.groups;

  test('that were collected are read back, in the same order', async () => {
    const collector = new PlainCollector();
    collector.add(bytes(digestBytes, 1));
    collector.add(Uint8Array.from({ length: 2 * digestBytes }, (_, i) => i));
    await collector.write(run.paths);
    expect(statSync(run.paths.plain).mode & 0o777).toBe(0o600);
    expect(Buffer.from((await groups())!).equals(readFileSync(run.paths.plain))).toBe(true);
    expect(statSync(run.paths.plain).size).toBe(3 * digestBytes);
  });

  test('make no file where there are none, and no file is nothing', async () => {
    await new PlainCollector().write(run.paths);
    expect(existsSync(run.paths.plain)).toBe(false);
    expect(await readPlain(run.paths)).toBeUndefined();
  });

  test('are kept up to a limit', async () => {
    const collector = new PlainCollector();
    for (let sum = 0; sum <= atMost; sum += 4 * MiB) collector.add(new Uint8Array(4 * MiB));
    await collector.write(run.paths);
    expect(statSync(run.paths.plain).size).toBe(atMost);
  });

  test('are only read from the beginning of a file of any size', async () => {
    writeFileSync(run.paths.plain, 'x'.repeat(digestBytes));
    truncateSync(run.paths.plain, 2 ** 40);
    const digests = (await groups())!;
    expect(digests).toHaveLength(atMost);
    expect(Buffer.from(digests.subarray(0, digestBytes)).toString()).toBe('x'.repeat(digestBytes));
  });

  test('that cannot be read, or written, are no obstacle', async () => {
    mkdirSync(run.paths.plain);
    expect(await readPlain(run.paths)).toBeUndefined();
    const collector = new PlainCollector();
    collector.add(new Uint8Array(digestBytes));
    await expect(collector.write(run.paths)).resolves.toBeUndefined();
  });

  test('leave a file as it is that stands there already', async () => {
    const elsewhere = `${run.top}/elsewhere`;
    writeFileSync(elsewhere, 'mine');
    symlinkSync(elsewhere, run.paths.plain);
    const collector = new PlainCollector();
    collector.add(new Uint8Array(digestBytes));
    await collector.write(run.paths);
    expect(readFileSync(elsewhere, 'utf8')).toBe('mine');
  });
});

describe('what a worker has copied', () => {
  const path = (shard = 0) => run.paths.plainCopies(journalName(shard));
  const write = (parts: readonly Uint8Array[], shard = 0) => {
    const writer = new PlainWriter(path(shard));
    for (const part of parts) writer.add(part);
    writer.close();
  };
  const copies = async () => (await readPlain(run.paths))?.copies.map((part) => Buffer.from(part));

  test('is read back as it was written', async () => {
    const parts = Array.from({ length: 300 }, (_, i) => bytes(20 + (i % 7) * digestBytes, i));
    write(parts);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(await copies()).toEqual([Buffer.concat(parts)]);
    expect((await readPlain(run.paths))!.groups).toHaveLength(0);
  });

  test('makes no file where it is nothing', async () => {
    write([]);
    expect(existsSync(path())).toBe(false);
    expect(await readPlain(run.paths)).toBeUndefined();
  });

  test('is on disk before the end, where it is much, and in whole runs', () => {
    const writer = new PlainWriter(path());
    for (let i = 0; i < 10; i++) writer.add(bytes(20_000, i));
    expect(statSync(path()).size).toBe(160_000);
    writer.close();
    expect(statSync(path()).size).toBe(200_000);
  });

  test('is read of all workers, beside digests of groups, and of nothing else that is there', async () => {
    for (let shard = 0; shard < 5; shard++) write([bytes(28, shard)], shard);
    writeFileSync(run.paths.journal(journalName(7)), 'a journal');
    writeFileSync(run.paths.copiedDigests(journalName(7)), 'digests');
    mkdirSync(path(8));
    const collector = new PlainCollector();
    collector.add(bytes(digestBytes, 9));
    await collector.write(run.paths);
    const parts = (await copies())!;
    expect(parts.map(([first]) => first).sort()).toEqual([0, 1, 2, 3, 4]);
    expect((await readPlain(run.paths))!.groups).toEqual(Buffer.from(bytes(digestBytes, 9)));
  });

  test('is kept up to a limit, and what does not fit is left out whole', async () => {
    const part = new Uint8Array(3 * MiB);
    write(Array.from({ length: 12 }, () => part));
    expect(statSync(path()).size).toBe(30 * MiB);
    write([part, part], 1);
    expect((await copies())!.reduce((sum, { length }) => sum + length, 0)).toBe(atMost);
  });

  test.each([
    ['a file', (place: string) => writeFileSync(place, 'mine')],
    ['a directory', (place: string) => mkdirSync(place)],
    ['a symlink that leads nowhere', (place: string) => symlinkSync(`${run.top}/made`, place)],
  ])('is left out where %s is in its place already', (_, make) => {
    make(path());
    write([bytes(100_000, 1), bytes(100_000, 2)]);
    if (statSync(path(), { throwIfNoEntry: false })?.isFile())
      expect(readFileSync(path(), 'utf8')).toBe('mine');
    expect(existsSync(`${run.top}/made`)).toBe(false);
  });

  test('is left out where there is no directory of journals', async () => {
    rmSync(run.paths.journals, { recursive: true });
    write([bytes(100_000, 1)]);
    expect(await readPlain(run.paths)).toBeUndefined();
  });

  test('ends with what was written by halves: a full disk', ({ skip }) => {
    const mount = ['-t', 'tmpfs', '-o', 'size=128k', 'none', run.paths.journals];
    if (execaSync('mount', mount, { reject: false }).failed) skip('this machine does not let anybody mount');
    try {
      const writer = new PlainWriter(path());
      for (let i = 0; i < 2; i++) writer.add(bytes(70_000, i));
      expect(statSync(path()).size).toBe(131_072);
      // Room again: nothing may follow half a run
      truncateSync(path(), 100);
      writer.add(bytes(70_000, 9));
      writer.close();
      expect(statSync(path()).size).toBe(100);
    } finally {
      execaSync('umount', ['-l', run.paths.journals]);
    }
  });
});
