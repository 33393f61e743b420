import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { mountNew } from '../helpers/file-systems.ts';
import { makeManyFiles } from '../helpers/tree.ts';
import { announcedJob, rsyncDifferences } from './run-files.ts';
import { giveToUser, openWorld, type Ran, type World } from './world.ts';

const MiB = 2 ** 20;

/** Of the kernel's file systems btrfs has quotas always: of its subvolumes, which `quota` knows nothing of. */
const mounted = process.getuid?.() === 0 ? await mountNew('btrfs') : 'only root may set quotas';
if (typeof mounted === 'string') console.log(`skipped: copies that meet a quota: ${mounted}`);

describe.skipIf(typeof mounted === 'string')('a destination with a quota', () => {
  const { path, unmount } = mounted as Exclude<typeof mounted, string>;
  let world: World;
  beforeAll(async () => {
    world = await openWorld('local');
    execFileSync('btrfs', ['quota', 'enable', path]);
  });
  afterAll(async () => {
    await world.close();
    await unmount();
  });

  function limit(directory: string, bytes: number): void {
    execFileSync('btrfs', ['qgroup', 'limit', String(bytes), directory]);
  }

  /** A directory with a quota of its own, as the file system has it and as `quota` tells it. */
  function withQuota(name: string, bytes: number, told: string): { cwd: string; directory: string } {
    const [cwd, directory] = [world.directory(), join(path, name)];
    execFileSync('btrfs', ['-q', 'subvolume', 'create', directory]);
    limit(directory, bytes);
    giveToUser(directory);
    mkdirSync(join(cwd, 'bin'));
    writeFileSync(join(cwd, 'bin/quota'), fakeQuota(told));
    chmodSync(join(cwd, 'bin/quota'), 0o755);
    return { cwd, directory };
  }

  /** Prints what quota-tools print, of whoever asks, and notes the words it was given. */
  function fakeQuota(told: string): string {
    return `#!/bin/sh
echo "$LC_ALL $*" >>"\${0%/*}/../asked"
echo "Disk quotas for user $(id -un) (uid $(id -u)): "
echo "     Filesystem  blocks   quota   limit   grace   files   quota   limit   grace"
echo "     /dev/loop0 ${told}"
echo "Disk quotas for group others (gid 1): "
echo "     /dev/loop0 9 0 9 0 9 0 9 0"
echo "Disk quotas for group $(id -gn) (gid $(id -g)): "
echo "     /dev/loop0 0 0 0 0 70 0 90 0"
exit 1
`;
  }

  const bcopy = (cwd: string, ...words: string[]): Promise<Ran> =>
    world.run(
      cwd,
      'env',
      `PATH=${cwd}/bin:${world.env.PATH}`,
      `${inject('installed')}/dist/js/cli/main.js`,
      ...words,
    );

  it('is refused with both figures; with --force it stops in time, and --retry brings the rest', async () => {
    const { cwd, directory } = withQuota('small', 20 * MiB, '0 0 20480 0 1 0 0 0');
    mkdirSync(join(cwd, 'src'));
    for (let i = 0; i < 16; i++) writeFileSync(join(cwd, `src/f${i}`), Buffer.alloc(2.5 * MiB, i + 1));
    giveToUser(join(cwd, 'src'));
    const words = ['-s', 'src', '-d', `${directory}/dst`];
    expect(await bcopy(cwd, ...words)).toMatchObject({
      exitCode: 7,
      stderr: expect.stringContaining('40.0 MiB are needed and your quota leaves 20.0 MiB\nhint: make room'),
    });
    expect(readFileSync(join(cwd, 'asked'), 'utf8')).toBe(`C -u -g -w -p -f ${path}\n`);
    expect(existsSync(join(cwd, '.bcopy'))).toBe(false);
    expect(readdirSync(directory)).toEqual([]);

    const forced = await bcopy(cwd, ...words, '--force', '--wait', '--checkpoint', '1');
    expect(forced).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('may not have room for all: 40.0 MiB are needed'),
    });
    const errors = readFileSync(join(cwd, `${announcedJob(forced.stdout)}.err`), 'utf8');
    expect(errors.match(/failed: quota exceeded at the destination \(EDQUOT\)/g)).toHaveLength(1);
    expect(errors).toContain('what to do: make space or ask for more quota, then --retry');
    const copied = readdirSync(`${directory}/dst`);
    expect(copied.filter((name) => name.startsWith('.'))).toEqual([]);
    expect(copied.length).toBeLessThan(16);

    limit(directory, 100 * MiB);
    expect(await bcopy(cwd, ...words, '--retry', '--wait')).toMatchObject({ exitCode: 0 });
    expect(await rsyncDifferences(join(cwd, 'src'), `${directory}/dst`, '--checksum')).toBe('');
  });

  it('is refused for its inodes too', async () => {
    const { cwd, directory } = withQuota('inodes', 20 * MiB, '0 0 0 0 41 0 100 0');
    makeManyFiles(join(cwd, 'src'), { files: 100, directories: 1, bytes: 1 });
    giveToUser(join(cwd, 'src'));
    expect(await bcopy(cwd, '-s', 'src', '-d', `${directory}/dst`)).toMatchObject({
      exitCode: 7,
      stderr: expect.stringContaining(
        "102 inodes are needed and your quota leaves 59; 102 inodes are needed and your group's quota leaves 20\n",
      ),
    });
  });

  it('keeps no run when it is the current directory', async () => {
    const { cwd, directory } = withQuota('here', 20 * MiB, '0 0 0 0 0 0 0 0');
    makeManyFiles(join(cwd, 'src'), { files: 10, directories: 1, bytes: 1 });
    giveToUser(join(cwd, 'src'));
    limit(directory, MiB / 64);
    expect(await world.bcopy(directory, '-s', join(cwd, 'src'), '-d', join(cwd, 'dst'))).toMatchObject({
      exitCode: 6,
      stderr: expect.stringContaining(
        'cannot keep the run here: your quota for the current directory is exceeded\nhint: make room here',
      ),
    });
    expect(readdirSync(directory)).toEqual([]);
    expect(existsSync(join(cwd, 'dst'))).toBe(false);
  });

  it.each([
    ['says nothing that can be understood', 'unknown 0 0 0 0 0 0 0'],
    ['has no limits', '500 0 0 0 9 0 0 0'],
  ])('is no obstacle when the tool %s', async (name, told) => {
    const { cwd, directory } = withQuota(name.replaceAll(' ', '-'), 20 * MiB, told);
    makeManyFiles(join(cwd, 'src'), { files: 10, directories: 1, bytes: 1 });
    giveToUser(join(cwd, 'src'));
    expect(await bcopy(cwd, '-s', 'src', '-d', `${directory}/dst`, '--wait')).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
  });
});
