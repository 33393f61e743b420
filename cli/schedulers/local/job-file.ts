import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { JobRef, JobRequest } from '../scheduler.ts';

const refSchema = z.object({ id: z.string().check(z.regex(/^\d+$/)), directory: z.string() });

/** What the supervisor is to run: written once, before it starts. */
const jobFileSchema = z.object({
  format: z.literal(1),
  id: z.string().check(z.regex(/^\d+$/)),
  name: z.string(),
  script: z.string(),
  directory: z.string(),
  output: z.string(),
  error: z.string(),
  array: z.exactOptional(z.object({ tasks: z.array(z.int()), atOnce: z.int().check(z.minimum(1)) })),
  after: z.array(refSchema),
  cpusPerTask: z.exactOptional(z.int()),
});

export type LocalJob = z.infer<typeof jobFileSchema>;

/** The number of a task, or undefined for the one task of a job without an array. */
export type TaskNumber = number | undefined;

/** Where the files of a local job are; relative to the directory in which it was submitted. */
export function localPaths(job: JobRef): { folder: string; job: string; events: string; complaints: string } {
  const folder = join(job.directory, 'local');
  return {
    folder,
    job: join(folder, `${job.id}.json`),
    events: join(folder, `${job.id}.events.jsonl`),
    complaints: join(folder, `${job.id}.err`),
  };
}

export function tasksOf(job: LocalJob): TaskNumber[] {
  return job.array ? job.array.tasks : [undefined];
}

export function toLocalJob(id: string, request: JobRequest): LocalJob {
  const { name, script, directory, output, error, array, after, resources } = request;
  return {
    format: 1,
    id,
    name,
    script,
    directory,
    output,
    error,
    ...(array ? { array: { tasks: [...array.tasks], atOnce: Math.max(1, array.atOnce) } } : {}),
    after: after.map((job) => ({ id: job.id, directory: job.directory })),
    ...(resources.cpusPerTask === undefined ? {} : { cpusPerTask: resources.cpusPerTask }),
  };
}

/** The file is there whole or not at all. */
export async function writeJob(job: LocalJob): Promise<void> {
  const paths = localPaths(job);
  await mkdir(paths.folder, { mode: 0o700 }).catch(unlessThere);
  const temporary = `${paths.job}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify(job)}\n`, { flag: 'wx' });
    await rename(temporary, paths.job);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

/** Throws when the file is not there, or is no job. */
export async function readJob(path: string): Promise<LocalJob> {
  return jobFileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

/** Every job ever submitted in this directory, in no order; what cannot be read as one is passed over. */
export async function readJobs(directory: string): Promise<LocalJob[]> {
  const names = await readdir(join(directory, 'local')).catch(() => []);
  const paths = names
    .filter((name) => /^\d+\.json$/.test(name))
    .map((name) => join(directory, 'local', name));
  const jobs = await Promise.all(paths.map((path) => readJob(path).catch(() => undefined)));
  return jobs.filter((job) => job !== undefined);
}
