import { expect, test } from 'vitest';
import { ownFlags, readJobOptions } from '../../cli/job-flags.ts';

const surroundings = (environment: Record<string, string> = {}) => ({
  environment,
  node: '/usr/bin/node',
  workerBundle: '/opt/worker.js',
  systemConfig: '/nowhere',
});

test('what says where and how jobs run is none of the command', () => {
  const flags = { directory: 'd', algorithm: 'md5', threads: '3', partition: 'long', workers: '5' };
  expect(ownFlags(flags)).toEqual({ directory: 'd', algorithm: 'md5', threads: '3' });
});

test('jobs run as those of a copy would: as is typed, and as variables say', async () => {
  const typed = { directory: 'd', threads: '3', partition: 'long', 'sbatch-arg': ['--exclude=n1'] };
  const environment = { BCOPY_PARTITION: 'short', BCOPY_WORKERS: '7', SBATCH_ACCOUNT: 'us' };
  expect(await readJobOptions(typed, surroundings(environment))).toMatchObject({
    ...{ threads: 3, partition: 'long', workers: 7, account: 'us', sbatchArg: ['--exclude=n1'] },
    workerBundle: '/opt/worker.js',
  });
});

test('a bad value is refused, also one that nothing is done with', async () => {
  await expect(readJobOptions({ workers: '0' }, surroundings())).rejects.toThrow('cannot use --workers 0');
  await expect(readJobOptions({}, surroundings({ BCOPY_WORKER: 'x' }))).rejects.toThrow('BCOPY_WORKER');
});
