import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import fsExtra from 'fs-extra';
import * as z from 'zod';
import { BcopyError } from '../../core/model/errors.ts';
import { fromBytes } from '../../core/model/names.ts';
import { areSameRoots, type SourceRoot } from '../../core/model/source-root.ts';
import { type Attempt, listAttempts, readAttempt } from '../../core/run/attempt-file.ts';
import { damaged } from '../../core/run/files.ts';
import { refuseForeign, whyForeign } from '../../core/run/own-directory.ts';
import { type RunInfo, readRunInfo, rootsOf } from '../../core/run/run-info.ts';
import { isRunId, RunPaths, runsDirectory } from '../../core/run/run-paths.ts';
import { type AttemptJobs, readJobs } from '../../core/run/submitted-file.ts';
import { changeDirectory } from '../../core/storage/posix/scan.ts';

export type FoundAttempt = Attempt & { readonly jobs: AttemptJobs };

export type FoundRun = {
  readonly paths: RunPaths;
  readonly info: RunInfo;
  readonly attempts: readonly FoundAttempt[];
};

/** The ids of the runs made in the current directory, newest first. */
export async function listRuns(): Promise<string[]> {
  await refuseForeign(runsDirectory);
  const names = await readdir(runsDirectory).catch(() => []);
  return names.filter(isRunId).sort().reverse();
}

/** Reads a run; what is damaged is a `runDamaged` error. */
export async function readRun(id: string): Promise<FoundRun> {
  const { paths, info } = await readInfo(id);
  const attempts: FoundAttempt[] = [];
  for (const number of await listAttempts(paths)) {
    const attempt = await readAttempt(paths, number);
    attempts.push({ ...attempt, jobs: await readJobs(paths, attempt) });
  }
  return { paths, info, attempts };
}

async function readInfo(id: string): Promise<Pick<FoundRun, 'paths' | 'info'>> {
  const paths = new RunPaths(`${runsDirectory}/${id}`);
  await refuseForeign(runsDirectory);
  await refuseForeign(paths.root);
  const info = await readRunInfo(paths);
  if (info.id !== id) throw damaged(paths.info, undefined, 'it is of another run');
  return { paths, info };
}

/** The newest copy, or verification, of the same sources, in whatever order, and destination in the current directory, if there is one. */
export async function findNewestRun(
  sources: readonly SourceRoot[],
  destination: string,
): Promise<FoundRun | undefined> {
  for await (const { id } of runsBetween(sources, destination)) return readRun(id);
  return undefined;
}

/** All of them, the newest first. */
export async function* runsBetween(
  sources: readonly SourceRoot[],
  destination: string,
): AsyncGenerator<{ readonly id: string; readonly paths: RunPaths }> {
  for (const id of await listRuns()) {
    const { paths, info } = await readInfo(id);
    if (info.purpose === 'manifest' || info.purpose === 'remove') continue;
    if (areSameRoots(rootsOf(info), sources) && info.destination.path === destination) yield { id, paths };
  }
}

/**
 * The run with a job of this number: in the current directory, or anywhere by the user's index of jobs; then the
 * program goes to the directory where the run was made.
 */
export async function findRunOfJob(job: string, environment: NodeJS.ProcessEnv): Promise<FoundRun> {
  return readRun(await findIdOfJob(job, environment));
}

/** The same without reading the run, which may be damaged. */
export async function findIdOfJob(job: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const here = await findJobHere(job);
  if (here !== undefined) return here;
  const entry = await readIndex(job, environment);
  if (
    entry !== undefined &&
    changeDirectory(entry.directory) &&
    (await fsExtra.pathExists(new RunPaths(`${runsDirectory}/${entry.run}`).info))
  ) {
    return entry.run;
  }
  throw new BcopyError(
    'runNotFound',
    `cannot find job ${job}: no run of bcopy in this directory or elsewhere has it`,
    {
      hint: 'bcopy status lists the runs made in this directory',
    },
  );
}

async function findJobHere(job: string): Promise<string | undefined> {
  // A directory that somebody else has made here says nothing of the user's own jobs
  if ((await whyForeign(runsDirectory)) !== undefined) return undefined;
  for (const id of await listRuns()) {
    const jobs = await listJobs(new RunPaths(`${runsDirectory}/${id}`));
    if (jobs.some((other) => other.job === job)) return id;
  }
  return undefined;
}

/** All jobs that a run was ever given, by their numbers only, so that also a damaged run tells them. */
export async function listJobs(paths: RunPaths): Promise<{ attempt: number; job: string }[]> {
  const jobs: { attempt: number; job: string }[] = [];
  for (const attempt of await listAttempts(paths)) {
    for (const name of (await readdir(paths.attempt(attempt))).sort()) {
      if (!/^job-(\d+|finish)\.json$/.test(name)) continue;
      const { job } = (await fsExtra.readJson(`${paths.attempt(attempt)}/${name}`).catch(() => ({}))) as {
        job?: unknown;
      };
      if (typeof job === 'string' && /^\d+$/.test(job)) jobs.push({ attempt, job });
    }
  }
  return jobs;
}

const indexSchema = z.object({
  format: z.literal(1),
  directory: z.string(),
  run: z.string().regex(/^[0-9a-f-]+$/),
});

/** Notes where a job's run is, so that `bcopy status JOBID` works from any directory. A home that cannot be written is no matter. */
export async function indexJob(job: string, run: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const directory = fromBytes(
    (await fsExtra.readlink('/proc/self/cwd', { encoding: 'buffer' } as never)) as unknown as Buffer,
  );
  await fsExtra
    .outputJson(indexFile(job, environment), { format: 1, directory, run }, { mode: 0o600 })
    .catch(() => undefined);
}

/** Takes a job out of the user's index, where it leads to this run. */
export async function unindexJob(job: string, run: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const entry = await readIndex(job, environment);
  if (entry?.run === run) await fsExtra.remove(indexFile(job, environment)).catch(() => undefined);
}

async function readIndex(
  job: string,
  environment: NodeJS.ProcessEnv,
): Promise<z.infer<typeof indexSchema> | undefined> {
  const value: unknown = await fsExtra.readJson(indexFile(job, environment)).catch(() => undefined);
  return indexSchema.safeParse(value).data;
}

function indexFile(job: string, environment: NodeJS.ProcessEnv): string {
  const state = environment.XDG_STATE_HOME || `${environment.HOME ?? homedir()}/.local/state`;
  return `${state}/bcopy/jobs/${job}.json`;
}
