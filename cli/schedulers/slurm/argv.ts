import { resolve } from 'node:path';
import { BcopyError } from '../../../core/model/errors.ts';
import type { JobRef, JobRequest, Resources } from '../scheduler.ts';
import { leadSeconds } from './time-limit.ts';

// Pure: each builder returns a whole command, program first. Long options with `=` throughout, so that
// no value can be taken for an option.

/** The command that submits this job from the directory `from`; the same request gives the same command. */
export function submitArgv(job: JobRequest, from: string): string[] {
  return [
    'sbatch',
    '--parsable',
    `--job-name=${job.name}`,
    ...(job.array ? [`--array=${formatTasks(job.array.tasks)}%${job.array.atOnce}`] : []),
    `--chdir=${job.directory}`,
    `--output=${toPattern(job.output, job, from)}`,
    `--error=${toPattern(job.error, job, from)}`,
    '--open-mode=append',
    // A lost or preempted task begins again by itself, with its journal
    '--requeue',
    ...(job.isWarned ? [`--signal=B:USR1@${leadSeconds(job.resources.time)}`] : []),
    '--export=ALL',
    ...dependencyOptions(job.after),
    ...resourceOptions(job.resources),
    ...extraArguments(job.resources),
    job.script,
  ];
}

/** Throws for a directory below which slurmd cannot open output files, whatever pattern it is given. */
export function refuseDirectory(from: string): void {
  // A backslash in the whole path switches all patterns off. With `%` the path has to be spelt out, and a
  // name that is no UTF-8 cannot be.
  const isHopeless = from.includes('\\') || (from.includes('%') && from.includes('\ufffd'));
  if (!isHopeless) return;
  throw new BcopyError('usage', `cannot submit a job from ${from}: slurm could not write its logs there`, {
    hint: 'stand in a directory without a backslash in its path',
  });
}

/** slurmd expands patterns in the whole path, the directory's own name included: there a `%` has to be doubled. */
function toPattern(pattern: string, job: JobRequest, from: string): string {
  if (!from.includes('%')) return pattern;
  return `${resolve(from, job.directory).replaceAll('%', '%%')}/${pattern}`;
}

/** Ascending task numbers as SLURM writes them: `0-5,8`. */
export function formatTasks(tasks: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const task of tasks) {
    const range = ranges.at(-1);
    if (range && task === range.last + 1) range.last = task;
    else ranges.push({ first: task, last: task });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/** Every task of these jobs that the controller remembers, one line each; `parseSqueue` reads it. */
export function statesArgv(ids: readonly string[]): string[] {
  return ['squeue', '-h', '-r', '-t', 'all', '-j', ids.join(','), '-o', '%i|%F|%K|%A|%T|%r|%N'];
}

/** The ids of the jobs with exactly this name, ended ones too. */
export function lookUpArgv(name: string): string[] {
  return ['squeue', '-h', '-r', '-t', 'all', '--name', name, '-o', '%F'];
}

/** The jobs as accounting remembers them; `parseSacct` reads it. */
export function accountingArgv(ids: readonly string[]): string[] {
  return ['sacct', '-n', '-X', '-P', '-j', ids.join(','), '-o', 'jobid,state,exitcode'];
}

export function cancelArgv(ids: readonly string[]): string[] {
  return ['scancel', ...ids];
}

export function configArgv(): string[] {
  return ['scontrol', 'show', 'config'];
}

export function partitionsArgv(): string[] {
  return ['sinfo', '-h', '-o', '%P'];
}

function dependencyOptions(after: readonly JobRef[]): string[] {
  if (after.length === 0) return [];
  const ids = after.map((job) => job.id).join(':');
  // Some sites cancel jobs whose dependency cannot be met; the job is to run whatever became of the others.
  return [`--dependency=afterany:${ids}`, '--kill-on-invalid-dep=no'];
}

/** The user's own last, as they are; but of two --exclude sbatch would obey only the last. */
function extraArguments({ extraArguments: own = [], excludeNodes = [] }: Resources): string[] {
  const isExclude = (argument: string) => argument.startsWith('--exclude=');
  const nodes = [
    ...own.filter(isExclude).map((argument) => argument.slice('--exclude='.length)),
    ...excludeNodes,
  ];
  if (excludeNodes.length === 0) return [...own];
  return [...own.filter((argument) => !isExclude(argument)), `--exclude=${[...new Set(nodes)].join(',')}`];
}

function resourceOptions(resources: Resources): string[] {
  const options: readonly (readonly [string, string | number | undefined])[] = [
    ['account', resources.account],
    ['partition', resources.partition],
    ['qos', resources.qos],
    ['time', resources.time],
    ['mem', resources.mem],
    ['cpus-per-task', resources.cpusPerTask],
    ['constraint', resources.constraint],
    ['reservation', resources.reservation],
    ['mail-user', resources.mailUser],
    ['mail-type', resources.mailType],
  ];
  return options.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));
}
