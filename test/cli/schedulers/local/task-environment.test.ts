import { describe, expect, it } from 'vitest';
import type { LocalJob } from '../../../../cli/schedulers/local/job-file.ts';
import { expandPattern, taskEnvironment } from '../../../../cli/schedulers/local/task-environment.ts';

const single: LocalJob = {
  format: 1,
  id: '28123456',
  name: 'bcopy-k3x9-1',
  script: 'run/job.sh',
  directory: 'run',
  output: 'logs/%j.log',
  error: 'logs/%j.err',
  after: [],
};
const array: LocalJob = { ...single, array: { tasks: [2, 3, 7], atOnce: 2 }, cpusPerTask: 4 };
const place = { host: 'login1', submitDirectory: '/home/me' };

describe('the environment of a task', () => {
  it('is that of a task of SLURM’s array', () => {
    expect(taskEnvironment(array, 3, place, {})).toMatchObject({
      SLURM_JOB_ID: '28123456',
      SLURM_ARRAY_JOB_ID: '28123456',
      SLURM_ARRAY_TASK_ID: '3',
      SLURM_ARRAY_TASK_COUNT: '3',
      SLURM_ARRAY_TASK_MIN: '2',
      SLURM_ARRAY_TASK_MAX: '7',
      SLURM_ARRAY_TASK_STEP: '1',
      SLURM_JOB_NAME: 'bcopy-k3x9-1',
      SLURM_JOB_PARTITION: 'local',
      SLURM_CLUSTER_NAME: 'local',
      SLURM_CPUS_PER_TASK: '4',
      SLURM_SUBMIT_DIR: '/home/me',
      SLURM_SUBMIT_HOST: 'login1',
      SLURMD_NODENAME: 'login1',
      SLURM_JOB_NODELIST: 'login1',
    });
  });

  it('has nothing of an array in a job without one', () => {
    const names = Object.keys(taskEnvironment(single, undefined, place, {}));
    expect(names.filter((name) => name.includes('ARRAY') || name.includes('CPUS'))).toEqual([]);
  });

  it('is the submitter’s but for a job of SLURM’s around it', () => {
    const variables = taskEnvironment(single, undefined, place, {
      PATH: '/bin',
      SLURM_ARRAY_TASK_ID: '9',
      SLURM_RESTART_COUNT: '1',
      SBATCH_OUTPUT: 'x',
    });
    expect(variables).toMatchObject({ PATH: '/bin', SLURM_JOB_ID: '28123456' });
    expect(Object.keys(variables)).not.toEqual(expect.arrayContaining(['SLURM_ARRAY_TASK_ID']));
    expect(Object.keys(variables)).not.toEqual(expect.arrayContaining(['SLURM_RESTART_COUNT']));
    expect(Object.keys(variables)).not.toEqual(expect.arrayContaining(['SBATCH_OUTPUT']));
  });
});

describe('the name of an output file', () => {
  it.each([
    ['logs/%A_%a.log', 'logs/28123456_7.log'],
    ['%j-%x.out', '28123456-bcopy-k3x9-1.out'],
    ['%5a', '00007'],
    ['%%a %z 50%', '%a %z 50%'],
  ])('%s becomes %s', (pattern, name) => {
    expect(expandPattern(pattern, array, 7)).toBe(name);
  });

  it('has SLURM’s own number where a job has no tasks', () => {
    expect(expandPattern('%A_%a', single, undefined)).toBe('28123456_4294967294');
  });
});
