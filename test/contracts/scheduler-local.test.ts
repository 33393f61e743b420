import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalScheduler } from '../../cli/schedulers/local/local.ts';
import { buildSupervisor } from '../cli/schedulers/local/build-supervisor.ts';
import { schedulerContract } from './scheduler.ts';

schedulerContract('local', async () => {
  // Directory names as users have them.
  const root = await mkdtemp(join(tmpdir(), `bcopy 'local' "jobs" $HOME\n%j-`));
  const supervisorPath = await buildSupervisor(root);
  const environment = { ...process.env, BCOPY_LOCAL_STATE: join(root, 'numbers') };
  return {
    scheduler: new LocalScheduler({ environment, supervisorPath }),
    root,
    patienceMs: 30_000,
    close: () => rm(root, { recursive: true }),
  };
});
