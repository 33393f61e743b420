import { type Environment, slurmEnvironment } from '../slurm/environment.ts';
import type { LocalJob, TaskNumber } from './job-file.ts';

/** What the machine says of itself and of the submission. */
export type Place = { readonly host: string; readonly submitDirectory: string };

/**
 * The environment of one task: the submitter's, without what a surrounding job of SLURM's left in it, and with
 * the variables that SLURM sets. SLURM_JOB_ID is the job's number for every task; in SLURM it differs by task.
 */
export function taskEnvironment(
  job: LocalJob,
  task: TaskNumber,
  place: Place,
  environment: Environment,
): Record<string, string> {
  return {
    ...slurmEnvironment(environment),
    SLURM_JOB_ID: job.id,
    SLURM_JOBID: job.id,
    SLURM_JOB_NAME: job.name,
    SLURM_JOB_PARTITION: 'local',
    SLURM_CLUSTER_NAME: 'local',
    SLURM_JOB_NUM_NODES: '1',
    SLURM_JOB_NODELIST: place.host,
    SLURMD_NODENAME: place.host,
    SLURM_SUBMIT_DIR: place.submitDirectory,
    SLURM_SUBMIT_HOST: place.host,
    ...(job.cpusPerTask === undefined ? {} : { SLURM_CPUS_PER_TASK: String(job.cpusPerTask) }),
    ...arrayVariables(job, task),
  };
}

/** SLURM's patterns in the name of an output file: %A %a %j %x %%; another letter stays as it is. */
export function expandPattern(pattern: string, job: LocalJob, task: TaskNumber): string {
  const values: Record<string, string> = {
    '%': '%',
    A: job.id,
    a: String(task ?? noTask),
    j: job.id,
    x: job.name,
  };
  return pattern.replace(/%(\d*)([%Aajx])/g, (_, width: string, letter: string) => {
    const value = values[letter] ?? '';
    return /^\d+$/.test(value) ? value.padStart(Number(width), '0') : value;
  });
}

/** SLURM's own value of %a in a job that is no array. */
const noTask = 4294967294;

function arrayVariables(job: LocalJob, task: TaskNumber): Record<string, string> {
  if (!job.array || task === undefined) return {};
  const { tasks } = job.array;
  return {
    SLURM_ARRAY_JOB_ID: job.id,
    SLURM_ARRAY_TASK_ID: String(task),
    SLURM_ARRAY_TASK_COUNT: String(tasks.length),
    SLURM_ARRAY_TASK_MIN: String(tasks.reduce((least, number) => Math.min(least, number), task)),
    SLURM_ARRAY_TASK_MAX: String(tasks.reduce((most, number) => Math.max(most, number), task)),
    SLURM_ARRAY_TASK_STEP: '1',
  };
}
