import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeManyFiles } from '../helpers/tree.ts';
import { rsyncDifferences } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

const MiB = 2 ** 20;
let world: World;
let cwd: string;
beforeAll(async () => {
  world = await openWorld('local');
});
afterAll(() => world.close());

/** A small file system at `small` in a directory of its own. */
function mountSmall(options: string): void {
  cwd = world.directory();
  mkdirSync(join(cwd, 'small'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=777,${options}`, 'tmpfs', join(cwd, 'small')]);
}

describe.skipIf(process.getuid?.() !== 0)('a destination with too little room', () => {
  // Lazily: a finish that has told its end may still be closing the destination
  afterEach(() => void execFileSync('umount', ['-l', join(cwd, 'small')]));

  function makeSource(bytes: number): void {
    mkdirSync(join(cwd, 'src'));
    for (let i = 0; i < 6; i++) writeFileSync(join(cwd, `src/f${i}`), Buffer.alloc(bytes / 6, i + 1));
    giveToUser(cwd);
  }

  it('is refused with both figures, and nothing is made', async () => {
    mountSmall('size=2m');
    makeSource(3 * MiB);
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'small/dst');
    expect(ran).toMatchObject({
      exitCode: 7,
      stderr: expect.stringMatching(/3\.0 MiB are needed and (2\.0|1\.9) MiB are free\nhint: make room/),
    });
    expect(readdirSync(join(cwd, 'small'))).toEqual([]);
    expect(existsSync(join(cwd, '.bcopy'))).toBe(false);
  });

  it('is refused for its inodes too', async () => {
    mountSmall('size=9m,nr_inodes=50');
    mkdirSync(join(cwd, 'src'));
    makeManyFiles(join(cwd, 'src/many'), { files: 100, directories: 1, bytes: 1 });
    giveToUser(cwd);
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'small/dst');
    expect(ran).toMatchObject({
      exitCode: 7,
      stderr: expect.stringMatching(/10\d inodes are needed and 4\d are free/),
    });
  });

  it('gets as much as fits with --force, and --retry brings the rest when there is room', async () => {
    mountSmall('size=2m');
    makeSource(3 * MiB);
    const destination = join(cwd, 'small/dst');
    const forced = await world.bcopy(cwd, '-s', 'src', '-d', 'small/dst', '--force', '--wait');
    expect(forced).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('may not have room for all'),
    });
    const copied = readdirSync(destination);
    expect(copied.length).toBeLessThan(6);
    expect(copied.filter((name) => name.startsWith('.'))).toEqual([]);
    execFileSync('mount', ['-o', 'remount,size=20m', join(cwd, 'small')]);
    const retried = await world.bcopy(cwd, '-s', 'src', '-d', 'small/dst', '--force', '--retry', '--wait');
    expect(retried).toMatchObject({ exitCode: 0 });
    expect(await rsyncDifferences(join(cwd, 'src'), destination)).toBe('');
  });

  const words = ['-s', 'src', '-d', 'small/dst', '--wait'];

  it('is no matter when all is there already', async () => {
    mountSmall('size=4m,nr_inodes=14');
    makeSource(3 * MiB);
    expect(await world.bcopy(cwd, ...words)).toMatchObject({ exitCode: 0 });
    expect(await world.bcopy(cwd, ...words)).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('is told of what is left only, when something is there already', async () => {
    mountSmall('size=4m');
    makeSource(3 * MiB);
    expect(await world.bcopy(cwd, ...words)).toMatchObject({ exitCode: 0 });
    writeFileSync(join(cwd, 'src/new'), Buffer.alloc(0.5 * MiB, 'new'));
    giveToUser(cwd);
    expect(await world.bcopy(cwd, ...words)).toMatchObject({ exitCode: 0, stderr: '' });
    writeFileSync(join(cwd, 'src/large'), Buffer.alloc(2 * MiB, 'large'));
    giveToUser(cwd);
    expect(await world.bcopy(cwd, ...words)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(
        /^bcopy: small\/dst may not have room for all: 2\.0 MiB are needed and (512\.0|50\d\.\d) KiB are free; some of that may be there already\n/,
      ),
    });
  });

  it('is told with all of the source where the scan does not look at what is there', async () => {
    mountSmall('size=4m');
    makeSource(3 * MiB);
    expect(await world.bcopy(cwd, ...words)).toMatchObject({ exitCode: 0 });
    expect(await world.bcopy(cwd, ...words, '--compare', 'checksum')).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(
        /may not have room for all: 3\.0 MiB are needed and .* are free; some of that may be there already$/,
      ),
    });
  });
});
