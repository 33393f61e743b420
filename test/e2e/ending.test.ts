import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeManyFiles } from '../helpers/tree.ts';
import { announcedJob, rsyncDifferences, waitForStatus } from './run-files.ts';
import { giveToUser, openOrSkip, openWorld, type World } from './world.ts';

const { open, skipped } = openOrSkip(['slurm']);
if (skipped.length > 0) it.skip('a job that SLURM is still ending', () => undefined);

/** In place of node: copies, and then outlives SIGTERM for some seconds. */
const slowToEnd = `#!/bin/bash
trap '' TERM
bash -c 'trap - TERM; exec sleep 300'
sleep 4
`;

describe.each(open)('a job that %s is still ending', (name) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(name, 1);
  });
  afterAll(() => world.close());

  it('is waited for by --retry', async () => {
    const cwd = world.directory();
    makeManyFiles(join(cwd, 'src'), { files: 50, directories: 2, bytes: 10 });
    giveToUser(join(cwd, 'src'));
    const node = join(cwd, 'slow-to-end');
    writeFileSync(node, slowToEnd);
    chmodSync(node, 0o755);
    const job = announcedJob((await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--node', node)).stdout);
    await waitForStatus(world, cwd, job, ({ phase }) => phase === 'running');
    expect(await world.bcopy(cwd, 'cancel', job)).toMatchObject({ exitCode: 0 });
    const ran = await world.bcopy(cwd, '-s', 'src', '-d', 'dst', '--retry', '--wait');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(ran.stderr).toContain(`job ${job} is being ended; waiting for its tasks`);
    expect(await rsyncDifferences(join(cwd, 'src'), join(cwd, 'dst'))).toBe('');
  });
});
