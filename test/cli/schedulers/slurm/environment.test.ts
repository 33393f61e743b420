import { expect, it } from 'vitest';
import { slurmEnvironment } from '../../../../cli/schedulers/slurm/environment.ts';

it('keeps what names the cluster and what is not SLURM’s', () => {
  const environment = {
    PATH: '/bin',
    HOME: '/home/me',
    LANG: 'de_DE.UTF-8',
    BCOPY_PARTITION: 'copy',
    SLURM_CONF: '/etc/slurm.conf',
    SLURM_CONF_SERVER: 'ctl',
    SLURM_CLUSTERS: 'lab',
    MY_SLURM_JOB_ID: '1',
  };
  expect(slurmEnvironment(environment)).toEqual(environment);
});

it.each([
  'SBATCH_ARRAY_INX',
  'SBATCH_OUTPUT',
  'SBATCH_WAIT',
  'SBATCH_EXPORT',
  'SBATCH_ACCOUNT',
  'SLURM_JOB_ID',
  'SLURM_MEM_PER_CPU',
  'SLURM_ARRAY_TASK_ID',
  'SLURM_EXPORT_ENV',
  'SLURM_BITSTR_LEN',
  'SLURMD_NODENAME',
  'SQUEUE_FORMAT',
  'SQUEUE_STATES',
  'SINFO_FORMAT',
  'SCANCEL_INTERACTIVE',
  'SACCT_FORMAT',
])('drops %s', (name) => {
  expect(slurmEnvironment({ [name]: 'x' })).toEqual({});
});
