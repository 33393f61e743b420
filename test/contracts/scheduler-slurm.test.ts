import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'vitest';
import { SlurmScheduler } from '../../cli/schedulers/slurm/slurm.ts';
import { fakeSlurm } from '../fakes/fake-slurm.ts';
import { missingForCluster, startCluster } from '../slurm/cluster.ts';
import { schedulerContract } from './scheduler.ts';

schedulerContract('slurm on fakes', async () => {
  const base = await mkdtemp(join(tmpdir(), 'bcopy-contract-'));
  const fake = fakeSlurm(join(base, 'fake'));
  const root = join(base, `bcopy 'fake' "jobs" $HOME\n%j`);
  mkdirSync(root);
  return {
    scheduler: new SlurmScheduler({ environment: { ...process.env, ...fake.env } }),
    root,
    patienceMs: 30_000,
    close: async () => {
      await fake.stop();
      await rm(base, { recursive: true });
    },
  };
});

const missing = missingForCluster();
if (missing.length > 0) {
  console.log(`skipped: the scheduler contract on a real slurm: ${missing.join(', ')} is not installed`);
  it.skip('scheduler contract: a real slurm', () => undefined);
} else {
  // Jobs are submitted by whoever runs the tests: the ordinary user has the end-to-end tests
  schedulerContract('a real slurm', async () => {
    const cluster = await startCluster(3);
    const root = await mkdtemp(join(tmpdir(), `bcopy 'real' "jobs" $HOME\n%j-`));
    return {
      scheduler: new SlurmScheduler({ environment: { ...process.env, ...cluster.env } }),
      root,
      patienceMs: 60_000,
      close: async () => {
        await cluster.stop();
        await rm(root, { recursive: true });
      },
    };
  });
}
