import { describe, expect, it } from 'vitest';
import type { JobRequest } from '../../../../cli/schedulers/scheduler.ts';
import {
  accountingArgv,
  formatTasks,
  lookUpArgv,
  refuseDirectory,
  statesArgv,
  submitArgv,
} from '../../../../cli/schedulers/slurm/argv.ts';

const job: JobRequest = {
  name: 'bcopy-k3x9-1',
  script: '.bcopy/k3x9/jobs/1.sbatch',
  directory: '.bcopy/k3x9',
  output: 'logs/1/%A_%a.log',
  error: 'logs/1/%A_%a.err',
  after: [],
  resources: {},
};

describe('sbatch', () => {
  it('is told everything that its defaults and the site could change', () => {
    expect(submitArgv({ ...job, array: { tasks: [0, 1, 2, 3, 4, 5, 8], atOnce: 8 } }, '/home/me')).toEqual([
      'sbatch',
      '--parsable',
      '--job-name=bcopy-k3x9-1',
      '--array=0-5,8%8',
      '--chdir=.bcopy/k3x9',
      '--output=logs/1/%A_%a.log',
      '--error=logs/1/%A_%a.err',
      '--open-mode=append',
      '--requeue',
      '--export=ALL',
      '.bcopy/k3x9/jobs/1.sbatch',
    ]);
  });

  it('is told where the logs are when the directory’s name looks like a pattern', () => {
    expect(submitArgv(job, '/data/50%all')).toEqual(
      expect.arrayContaining([
        '--chdir=.bcopy/k3x9',
        '--output=/data/50%%all/.bcopy/k3x9/logs/1/%A_%a.log',
        '--error=/data/50%%all/.bcopy/k3x9/logs/1/%A_%a.err',
      ]),
    );
  });

  it('cannot write logs below a directory with a backslash, or with both % and what is no UTF-8', () => {
    expect(() => refuseDirectory('/data/a\\b')).toThrow(expect.objectContaining({ kind: 'usage' }));
    expect(() => refuseDirectory('/data/%\ufffd')).toThrow(expect.objectContaining({ kind: 'usage' }));
    expect(() => refuseDirectory('/data/\n \'"$\ufffd')).not.toThrow();
  });

  it('waits for jobs however they end', () => {
    const after = [
      { id: '1', directory: 'd' },
      { id: '2', directory: 'd' },
    ];
    expect(submitArgv({ ...job, after }, '/home/me')).toEqual(
      expect.arrayContaining(['--dependency=afterany:1:2', '--kill-on-invalid-dep=no']),
    );
    expect(submitArgv(job, '/home/me').join(' ')).not.toContain('depend');
  });

  it('is given resources by their long names, further arguments as they are, and the script last', () => {
    const resources = {
      account: 'proj 1',
      partition: 'copy',
      qos: 'high',
      time: '1-0',
      mem: '4G',
      cpusPerTask: 8,
      constraint: 'ib&ssd',
      reservation: 'r1',
      mailUser: 'me@example.org',
      mailType: 'END',
      extraArguments: ['--nodelist=n1', '-H'],
    };
    expect(submitArgv({ ...job, resources }, '/home/me').slice(9)).toEqual([
      '--account=proj 1',
      '--partition=copy',
      '--qos=high',
      '--time=1-0',
      '--mem=4G',
      '--cpus-per-task=8',
      '--constraint=ib&ssd',
      '--reservation=r1',
      '--mail-user=me@example.org',
      '--mail-type=END',
      '--nodelist=n1',
      '-H',
      '.bcopy/k3x9/jobs/1.sbatch',
    ]);
  });

  it('leaves out nodes in one word together with those that the user leaves out', () => {
    const resources = { excludeNodes: ['n1', 'n2'], extraArguments: ['--exclude=n2,n5', '--nice'] };
    expect(submitArgv({ ...job, resources }, '/home/me').slice(9, -1)).toEqual([
      '--nice',
      '--exclude=n2,n5,n1,n2',
    ]);
  });

  it('has the task warned before its time limit, and begun again when its node is lost', () => {
    const warned = { ...job, isWarned: true, resources: { time: '1:00:00' } };
    expect(submitArgv(warned, '/home/me')).toEqual(
      expect.arrayContaining(['--requeue', '--open-mode=append', '--signal=B:USR1@60']),
    );
    expect(submitArgv(job, '/home/me').join(' ')).not.toContain('--signal');
  });
});

describe('the questions', () => {
  it('ask for all jobs together, with ended tasks, one line each', () => {
    expect(statesArgv(['12', '13']).join(' ')).toBe('squeue -h -r -t all -j 12,13 -o %i|%F|%K|%A|%T|%r|%N');
    expect(accountingArgv(['12', '13']).join(' ')).toBe('sacct -n -X -P -j 12,13 -o jobid,state,exitcode');
    expect(lookUpArgv('token').join(' ')).toBe('squeue -h -r -t all --name token -o %F');
  });
});

describe('task numbers', () => {
  it.each([
    [[], ''],
    [[4], '4'],
    [[0, 1], '0-1'],
    [[0, 2, 4], '0,2,4'],
    [[0, 1, 2, 5, 7, 8, 9], '0-2,5,7-9'],
  ])('%j is written %s', (tasks, text) => {
    expect(formatTasks(tasks)).toBe(text);
  });
});
