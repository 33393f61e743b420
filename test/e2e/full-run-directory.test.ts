import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { announcedJob, rsyncDifferences, runDirectories, waitForStatus } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

const page = 4096;
/** So many files. Who waits for a finish that has no room to tell its end waits long on a cluster. */
const withRoomFor = { local: [8, 9, 10, 12, 13, 14, 20], fakes: [8, 9] };
const words = ['-s', '../src', '-d', '../dst'];
const noSpace =
  'bcopy: cannot keep the run here: no space left in the current directory\nhint: make room here';

describe.skipIf(process.getuid?.() !== 0).each(['local', 'fakes'] as const)(
  'a current directory that is full (%s)',
  (name) => {
    let world: World;
    let top: string;
    /** Where bcopy is called, with a file system of its own. */
    let cwd: string;
    beforeAll(async () => {
      world = await openWorld(name);
    });
    afterAll(() => world.close());
    beforeEach(() => {
      top = world.directory();
      cwd = join(top, 'small');
      mkdirSync(cwd);
      mkdirSync(join(top, 'src/d'), { recursive: true });
      for (let i = 0; i < 40; i++) writeFileSync(join(top, `src/d/f${i}`), `content ${i}`);
      giveToUser(top);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=777,size=4m,nr_inodes=400', 'tmpfs', cwd]);
    });
    // Lazily: a job that has told its end may still be leaving
    afterEach(() => void execFileSync('umount', ['-l', cwd]));

    const bcopy = (...more: string[]) => world.bcopy(cwd, ...words, ...more);

    /** Leaves room for so many small files. */
    function fill(pages: number): void {
      const { bavail, bsize } = statfsSync(cwd);
      writeFileSync(join(cwd, 'filled'), Buffer.alloc(bavail * bsize - pages * page));
      expect(statfsSync(cwd).bavail).toBe(pages);
    }

    function makeRoom(): void {
      rmSync(join(cwd, 'filled'));
    }

    /** Names, sizes and times of all files of the runs, but for those of a local job, which ends when its finish has. */
    function facts(): string[] {
      const names = readdirSync(join(cwd, '.bcopy'), { recursive: true, encoding: 'utf8' });
      return names
        .filter((path) => !path.includes('/local/'))
        .sort()
        .map((path) => {
          const { size, mtimeMs, mode } = statSync(join(cwd, '.bcopy', path));
          return [path, mode, (mode & 0o40000) === 0 ? [size, mtimeMs] : ''].join(' ');
        });
    }

    /** A run of which something is left: a directory is where a file is to be. */
    async function makeIncompleteRun(): Promise<void> {
      mkdirSync(join(top, 'dst/d/f7/in-the-way'), { recursive: true });
      giveToUser(join(top, 'dst'));
      expect(await bcopy('--wait')).toMatchObject({ exitCode: 3 });
      rmSync(join(top, 'dst/d/f7'), { recursive: true });
    }

    const isWhole = async () => expect(await rsyncDifferences(join(top, 'src'), join(top, 'dst'))).toBe('');

    it.each([0, 5, 7])('leaves no trace of a run with room for %i files', async (pages) => {
      fill(pages);
      const ran = await bcopy('--wait');
      expect(ran).toMatchObject({ exitCode: 6, stderr: expect.stringContaining(noSpace) });
      expect(ran.stderr).toContain('or go to another directory');
      expect(readdirSync(cwd)).toEqual(['filled']);
      expect(existsSync(join(top, 'dst'))).toBe(false);
    });

    it.each(withRoomFor[name])(
      'says in a sentence what is the matter with room for %i files, and goes on when there is room',
      async (pages) => {
        fill(pages);
        const ran = await bcopy('--wait');
        expect(ran.stderr).not.toContain('unforeseen');
        expect([0, 3, 6]).toContain(ran.exitCode);
        if (ran.exitCode === 6) expect(ran.stderr).toContain(noSpace);
        else expect(ran.stdout).toContain('is submitted');
        makeRoom();
        const isNew = !existsSync(join(cwd, '.bcopy'));
        expect(isNew).toBe(ran.stderr.includes('or go to another directory'));
        expect(await bcopy('--wait', ...(isNew ? [] : ['--retry']))).toMatchObject({ exitCode: 0 });
        await isWhole();
      },
    );

    it.each([0, 2])('leaves a run as it was when --retry has room for %i files', async (pages) => {
      await makeIncompleteRun();
      const before = facts();
      fill(pages);
      expect(await bcopy('--retry')).toMatchObject({
        exitCode: 6,
        stderr: expect.stringMatching(
          new RegExp(`${noSpace}.*, then give the same command again: the run is as it was`),
        ),
      });
      expect(facts()).toEqual(before);
      makeRoom();
      expect(await bcopy('--retry', '--wait')).toMatchObject({ exitCode: 0 });
      await isWhole();
    });

    it.each([3, 6])(
      'leaves no trace of a second run with room for %i files, whose scan looks at the destination',
      async (pages) => {
        expect(await bcopy('--wait')).toMatchObject({ exitCode: 0 });
        const before = facts();
        fill(pages);
        const ran = await bcopy();
        expect(ran).toMatchObject({ exitCode: 6, stderr: expect.stringContaining(noSpace) });
        expect(facts()).toEqual(before);
        makeRoom();
        expect(await bcopy('--wait')).toMatchObject({ exitCode: 0 });
      },
    );

    it.runIf(name === 'local')('says so of one that has no room for names', async () => {
      execFileSync('mount', ['-o', 'remount,nr_inodes=12', cwd]);
      expect(await bcopy()).toMatchObject({ exitCode: 6, stderr: expect.stringContaining(noSpace) });
      expect(readdirSync(cwd)).toEqual([]);
    });

    it.runIf(name === 'local')('says so of one that cannot be written to any more', async () => {
      await makeIncompleteRun();
      const before = facts();
      execFileSync('mount', ['-o', 'remount,ro', cwd]);
      expect(await bcopy('--retry')).toMatchObject({
        exitCode: 6,
        stderr: expect.stringContaining(
          'cannot keep the run here: the current directory is on a read-only file system',
        ),
      });
      execFileSync('mount', ['-o', 'remount,rw', cwd]);
      expect(facts()).toEqual(before);
    });

    it('begins no comparison there, and does when there is room', async () => {
      const job = announcedJob((await bcopy('--wait')).stdout);
      fill(0);
      expect(await world.bcopy(cwd, 'verify', job)).toMatchObject({
        exitCode: 6,
        stderr: expect.stringContaining(noSpace),
      });
      makeRoom();
      expect(await world.bcopy(cwd, 'verify', job)).toMatchObject({ exitCode: 0 });
    });

    it.runIf(name === 'fakes').each([0, 6, 8])(
      'hashes, compares and removes no tree by tasks with room for %i files',
      async (pages) => {
        execFileSync('cp', ['-a', join(top, 'src'), join(top, 'dst')]);
        fill(pages);
        const commands = [
          ['manifest', '../src'],
          ['verify', ...words],
          ['remove', '--yes', '../dst'],
        ];
        for (const command of commands) {
          const ran = await world.bcopy(cwd, ...command);
          expect(ran).toMatchObject({ exitCode: 6, stderr: expect.stringContaining(noSpace) });
          expect(ran.stderr).not.toContain('--retry');
          if (pages < 8) expect(readdirSync(cwd)).toEqual(['filled']);
          rmSync(join(cwd, '.bcopy'), { recursive: true, force: true });
        }
        expect(await rsyncDifferences(join(top, 'src'), join(top, 'dst'))).toBe('');
      },
    );

    it('lets jobs be cancelled all the same', async () => {
      // A copy that takes its time
      const job = announcedJob((await bcopy('--ops-limit', '1')).stdout);
      await waitForStatus(world, cwd, job, ({ phase }) => phase === 'running');
      fill(0);
      expect(await world.bcopy(cwd, 'cancel', job)).toMatchObject({
        exitCode: 0,
        stderr: expect.stringContaining('cannot write down that it is cancelled: no space left'),
      });
      makeRoom();
      expect(await bcopy('--retry', '--wait')).toMatchObject({ exitCode: 0 });
      expect(readFileSync(join(top, 'dst/d/f39'), 'utf8')).toBe('content 39');
      expect(runDirectories(cwd)).toHaveLength(1);
    });
  },
);
