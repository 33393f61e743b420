import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Environment } from '../slurm/environment.ts';
import type { LocalJob, TaskNumber } from './job-file.ts';
import { identify, type ProcessIdentity, signalSession } from './processes.ts';
import { expandPattern, type Place, taskEnvironment } from './task-environment.ts';

/** How a task ended; `problem` when it never began. */
export type TaskEnd = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly problem?: string;
};

export type RunningTask = {
  readonly identity: ProcessIdentity;
  /** Never rejects. When it resolves, no process of the task runs any more. */
  readonly end: Promise<TaskEnd>;
};

/** Starts the job's script as slurmd would: in the job's directory, in a session of its own. Throws when it cannot. */
export function startTask(
  job: LocalJob,
  task: TaskNumber,
  place: Place,
  environment: Environment,
): RunningTask | Promise<TaskEnd> {
  const output = openLog(job, job.output, task);
  try {
    const error = openLog(job, job.error, task);
    try {
      return follow(
        spawn(...scriptCommand(job), {
          cwd: job.directory,
          env: taskEnvironment(job, task, place, environment),
          detached: true,
          stdio: ['ignore', output, error],
        }),
      );
    } finally {
      closeSync(error);
    }
  } finally {
    closeSync(output);
  }
}

/** Runs the script by its own first line where it is executable, else with bash. */
function scriptCommand(job: LocalJob): [string, string[]] {
  const script = `./${relative(job.directory, job.script)}`;
  try {
    accessSync(job.script, constants.X_OK);
    return [script, []];
  } catch {
    return ['/bin/bash', [script]];
  }
}

function openLog(job: LocalJob, pattern: string, task: TaskNumber): number {
  return openSync(join(job.directory, expandPattern(pattern, job, task)), 'a', 0o666);
}

function follow(child: ChildProcess): RunningTask | Promise<TaskEnd> {
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (!identity) return failure(child);
  return { identity, end: ended(child, identity) };
}

async function ended(child: ChildProcess, identity: ProcessIdentity): Promise<TaskEnd> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  // What the script left behind ends with it, as it does under SLURM.
  signalSession(identity, 'SIGKILL');
  return { code, signal };
}

async function failure(child: ChildProcess): Promise<TaskEnd> {
  const [error] = (await once(child, 'error')) as [Error];
  return { code: null, signal: null, problem: error.message };
}
