import { randomInt } from 'node:crypto';
import { lstat, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import fsExtra from 'fs-extra';
import { BcopyError } from '../../core/model/errors.ts';
import { makeDirectory, writeOnce } from '../../core/run/files.ts';
import { type RunInfo, writeRunInfo } from '../../core/run/run-info.ts';
import { RunPaths, runsDirectory } from '../../core/run/run-paths.ts';
import { explainRunError } from './run-errors.ts';

export type NewRun = Omit<RunInfo, 'format' | 'id' | 'createdAt' | 'host' | 'uid'>;

/** Makes the run directory in the current directory, for this user only, and writes down what is to be done. */
export async function createRun(
  request: NewRun,
  now: Date,
): Promise<{ paths: RunPaths; info: Omit<RunInfo, 'format'> }> {
  await makeRunsDirectory();
  const id = newRunId(now, await readdir(runsDirectory));
  const paths = new RunPaths(`${runsDirectory}/${id}`);
  const info = {
    ...request,
    id,
    createdAt: now.toISOString(),
    host: hostname(),
    uid: process.getuid?.() ?? 0,
  };
  try {
    for (const directory of [paths.root, paths.journals, paths.attempts]) await makeDirectory(directory);
    await Promise.all([writeRunInfo(paths, info), writeOnce(paths.id, `${id}\n`)]);
  } catch (error) {
    await abandonRun(paths);
    throw explainRunError(error);
  }
  return { paths, info };
}

/** Removes a run that was never submitted, and the directory of runs when it was the only one. */
export async function removeRun(paths: RunPaths): Promise<void> {
  await fsExtra.remove(paths.root);
  await fsExtra.rmdir(runsDirectory).catch(() => undefined);
}

/** The same of one that came to nothing: what cannot be removed is left, since there is something else to tell. */
export async function abandonRun(paths: RunPaths): Promise<void> {
  await removeRun(paths).catch(() => undefined);
}

/** Sees to it that runs can be kept in the current directory; a run that comes to nothing takes it away again. */
export async function makeRunsDirectory(): Promise<void> {
  try {
    await makeDirectory(runsDirectory);
    await fsExtra.access(runsDirectory, fsExtra.constants.W_OK | fsExtra.constants.X_OK);
  } catch (error) {
    throw explainRunError(error);
  }
  await refuseForeignRuns();
}

/** A run directory made by somebody else, or a symlink to one, is neither believed nor written to. */
export async function refuseForeignRuns(): Promise<void> {
  const status = await lstat(runsDirectory).catch(() => undefined);
  if (status === undefined || (status.isDirectory() && status.uid === process.geteuid?.())) return;
  throw new BcopyError(
    'destinationUnwritable',
    `cannot keep the run here: ${runsDirectory} belongs to somebody else`,
    {
      hint: 'go to a directory of your own',
    },
  );
}

/** Sorts after those that there are; the rest keeps two runs of one second apart, wherever they were made. */
export function newRunId(now: Date, others: readonly string[]): string {
  const time = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const last = others
    .filter((name) => name.startsWith(`${time}-`))
    .sort()
    .at(-1);
  const least = last === undefined ? 0 : (Number.parseInt(last.slice(-4), 16) + 1) % 0x10000;
  const rest = least + randomInt(Math.min(last === undefined ? 0x8000 : 0x800, 0x10000 - least));
  return `${time}-${rest.toString(16).padStart(4, '0')}`;
}
