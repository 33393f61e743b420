import { lstat, writeFile } from 'node:fs/promises';
import { replaceFile } from '../../core/run/files.ts';
import type { RunPaths } from '../../core/run/run-paths.ts';
import { noteRunError } from './run-errors.ts';

export type Announcement = {
  readonly job: string;
  readonly attempt: number;
  readonly submittedAt: Date;
  readonly note: (message: string) => void;
};

/**
 * JOBID.log and JOBID.err where the user stands, from the moment of submission; finish writes them whole. The jobs are submitted:
 * where these cannot be written, that is only told.
 */
export async function announceLogs(
  paths: RunPaths,
  { job, attempt, submittedAt, note }: Announcement,
): Promise<void> {
  const tasks = `${paths.root}/logs/${attempt}/`;
  const text = `bcopy: job ${job} is submitted; this file is written when it has ended\ntasks' logs are in ${tasks}\n`;
  try {
    await announce(paths.userLog(job, 'log'), text, submittedAt);
    await announce(paths.userLog(job, 'err'), '', submittedAt);
  } catch (error) {
    noteRunError(error, `${job}.log and ${job}.err`, note);
  }
}

/** Leaves a file alone that finish has been quick enough to write; one of an older job with the same number is replaced. */
async function announce(file: string, text: string, submittedAt: Date): Promise<void> {
  const earlier = await lstat(file).catch(() => undefined);
  if (earlier === undefined) return writeFile(file, text, { flag: 'wx' }).catch(ignoreExisting);
  if (earlier.mtime < submittedAt) await replaceFile(file, text);
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
