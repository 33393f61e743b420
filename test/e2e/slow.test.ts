import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mountSlow, type SlowFileSystem } from '../../bench/slow-file-system.ts';
import { makeManyFiles } from '../helpers/tree.ts';
import { rsyncDifferences } from './run-files.ts';
import { giveToUser, openWorld, type World } from './world.ts';

const mounted = await mountSlow(15);
if (typeof mounted === 'string') console.log(`skipped: copies on a slow file system: ${mounted}`);

describe.skipIf(typeof mounted === 'string')('where each request takes its time', () => {
  const slow = mounted as SlowFileSystem;
  let world: World;
  beforeAll(async () => {
    world = await openWorld('local');
    chmodSync(slow.behind, 0o777);
    makeManyFiles(join(slow.behind, 'src'), { files: 160, directories: 16, bytes: 100 });
    giveToUser(join(slow.behind, 'src'));
  });
  afterAll(async () => {
    await world.close();
    await slow.unmount();
  });

  /** Copies with one worker, and says how many requests it had under way at once, at most. */
  async function most(destination: string, ...words: string[]): Promise<number> {
    slow.forget();
    const cwd = world.directory();
    // Read where there is no delay: the scan makes many calls at once
    const trees = ['-s', `${slow.behind}/src`, '-d', `${slow.path}/${destination}`];
    const ran = await world.bcopy(cwd, ...trees, '--shards', '1', '--workers', '1', '--wait', ...words);
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    const copy = join(slow.behind, destination);
    expect(await rsyncDifferences(join(slow.behind, 'src'), copy)).toBe('');
    return slow.statistics().most;
  }

  it('a worker has more files in flight than CPUs', async () => {
    expect(await most('adaptive', '--cpus-per-task', '1')).toBeGreaterThan(2);
  });

  it('a worker has as many in flight as the user says', async () => {
    const found = await most('fixed', '--threads', '3', '--cpus-per-task', '1');
    expect(found).toBeGreaterThan(1);
    expect(found).toBeLessThan(5);
  });
});
