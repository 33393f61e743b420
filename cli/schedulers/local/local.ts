import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { BcopyError } from '../../../core/model/errors.ts';
import type { JobRef, JobRequest, Scheduler, SchedulerLimits, TaskState } from '../scheduler.ts';
import type { Environment } from '../slurm/environment.ts';
import { cancelJobs } from './cancel.ts';
import { readEvents } from './events.ts';
import { localPaths, readJobs, toLocalJob, writeJob } from './job-file.ts';
import { claimJobNumber } from './job-number.ts';
import { readStates, readStory } from './job-state.ts';
import { SpareSupervisors } from './spare-supervisors.ts';

/** A loaded machine with the program on a slow file system may need long to start it. */
const startPatienceMs = 30_000;
const pollMs = 5;
/** A file system that keeps files this small beside their names has room for no event in a new file all the same. */
const trialBytes = 4096;

export type LocalOptions = {
  readonly environment: Environment;
  /** The built supervisor.js. */
  readonly supervisorPath: string;
};

/** Jobs on this machine: each has a detached supervisor that outlives the command and the login. */
export class LocalScheduler implements Scheduler {
  readonly kind = 'local';
  readonly #environment: Environment;
  readonly #supervisorPath: string;
  readonly #spares: SpareSupervisors;

  constructor(options: LocalOptions) {
    this.#environment = options.environment;
    this.#supervisorPath = options.supervisorPath;
    this.#spares = new SpareSupervisors(this.#command('-'), options.environment);
  }

  async expect(jobs: number): Promise<void> {
    if (jobs === 0) await this.#spares.end();
    else this.#spares.start(jobs);
  }

  async limits(): Promise<SchedulerLimits> {
    const cpus = availableParallelism();
    return { maxTaskNumber: 999_999, cpus, defaultPartition: 'local', partitions: ['local'] };
  }

  describe(job: JobRequest): readonly string[] {
    return this.#command(localPaths({ id: 'JOBID', directory: job.directory }).job);
  }

  async submit(job: JobRequest): Promise<JobRef> {
    const earlier = await findLiving(job);
    if (earlier) return earlier;
    const id = await claimJobNumber(this.#environment, Date.now());
    const ref = { id, directory: job.directory };
    await writeJob(toLocalJob(id, job));
    await this.#start(ref);
    return ref;
  }

  async find({ name, directory }: { name: string; directory: string }): Promise<JobRef | undefined> {
    const job = (await readJobs(directory)).find((earlier) => earlier.name === name);
    return job === undefined ? undefined : { id: job.id, directory };
  }

  async states(jobs: readonly JobRef[]): Promise<TaskState[]> {
    return (await Promise.all(jobs.map(readStates))).flat();
  }

  async cancel(jobs: readonly JobRef[]): Promise<void> {
    await cancelJobs(jobs);
  }

  #command(jobPath: string): string[] {
    return [process.execPath, this.#supervisorPath, jobPath];
  }

  #spawn({ job, complaints }: ReturnType<typeof localPaths>): ChildProcess {
    const file = openSync(complaints, 'a', 0o600);
    const [program = '', ...args] = this.#command(job);
    const child = spawn(program, args, {
      env: this.#environment as NodeJS.ProcessEnv,
      detached: true,
      stdio: ['ignore', 'ignore', file],
    });
    closeSync(file);
    child.unref();
    return child;
  }

  /** Returns when the supervisor has written its first event: from then on the job is its own. */
  async #start(job: JobRef): Promise<void> {
    const paths = localPaths(job);
    const child = this.#spares.give(paths.job) ?? this.#spawn(paths);
    const settled = new AbortController();
    const failure = await Promise.race([exitOf(child), firstEvent(job, settled.signal)]);
    settled.abort();
    // A job that is over before it was looked at has its events all the same.
    if (failure === undefined || (await readEvents(paths.events)).length > 0) return;
    child.kill('SIGKILL');
    await refuseFull(job);
    throw new BcopyError('noScheduler', `cannot start a job on this machine: ${failure}`, {
      theirWords: await readFile(paths.complaints, 'utf8').catch(() => ''),
    });
  }
}

/** Throws what the system says where a supervisor could not have written its events, and leaves nothing of the job. */
async function refuseFull(job: JobRef): Promise<void> {
  const { folder, ...files } = localPaths(job);
  const trial = `${folder}/${job.id}.trial`;
  try {
    await writeFile(trial, 'x'.repeat(trialBytes));
  } catch (error) {
    for (const file of Object.values(files)) await rm(file, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    await rm(trial, { force: true }).catch(() => undefined);
  }
}

async function exitOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, 'exit');
    return `its supervisor ended with ${signal ?? code}`;
  } catch (error) {
    return (error as Error).message;
  }
}

async function firstEvent(job: JobRef, abandoned: AbortSignal): Promise<string | undefined> {
  const deadline = performance.now() + startPatienceMs;
  while (!abandoned.aborted && performance.now() < deadline) {
    if ((await readEvents(localPaths(job).events)).length > 0) return undefined;
    await sleep(pollMs);
  }
  return `its supervisor did not start in ${startPatienceMs / 1000} s`;
}

/** A name is given to one job only, so that a submission whose answer was lost can be made again. */
async function findLiving(job: JobRequest): Promise<JobRef | undefined> {
  const jobs = (await readJobs(job.directory)).filter((earlier) => earlier.name === job.name);
  for (const { id } of jobs) {
    const ref = { id, directory: job.directory };
    if ((await readStory(ref)).supervision === 'alive') return ref;
  }
  return undefined;
}
