import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { announcedJob, rsyncDifferences } from './run-files.ts';
import { openWorld, type World } from './world.ts';

const isRoot = process.getuid?.() === 0;

/** Only root can keep owners, and read all of it. */
describe.skipIf(!isRoot)('all of /usr, as root', () => {
  let world: World;
  let cwd: string;
  beforeAll(async () => {
    world = await openWorld('local');
    cwd = world.directory();
  });
  afterAll(() => world.close());

  /** JOBID.log of a copy of /usr to this directory that came to its end. */
  async function copyTo(destination: string): Promise<string> {
    const words = ['-s', '/usr', '-d', destination, '--wait'];
    const program = `${inject('installed')}/dist/js/cli/main.js`;
    const { stdout } = await execa(program, words, { cwd, env: world.env, extendEnv: false });
    return readFileSync(join(cwd, `${announcedJob(stdout)}.log`), 'utf8');
  }

  it('leaves rsync nothing to do', async () => {
    expect(await copyTo('copied')).toMatch(/^not done +0 +0$/m);
    expect(await rsyncDifferences('/usr', join(cwd, 'copied'), '-AX')).toBe('');
    await execa('rm', ['-rf', join(cwd, 'copied')]);
  }, 400_000);

  it('has nothing to do after rsync, and says so', async () => {
    await execa('rsync', ['-aHAX', '/usr/', join(cwd, 'synced')]);
    const log = await copyTo('synced');
    expect(log).toMatch(/^copied +0 +0$/m);
    expect(log).toMatch(/^linked +0 +0$/m);
    expect(log).not.toMatch(/metadata mended/);
    expect(log).toMatch(/^Nothing had to be copied: all [\d,]+ files are there already\.$/m);
  }, 400_000);
});
