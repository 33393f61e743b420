import { readdir } from 'node:fs/promises';
import { writeJsonOnce } from './files.ts';
import type { JournalName, RunPaths } from './run-paths.ts';

const ending = '.doubt';

/**
 * Written by a worker whose sync of the destination failed: the kernel has dropped content that it could not write, and
 * tells it once (fsync(2)). What is in no record may look like a copy and be none.
 */
export async function writeDoubt(paths: RunPaths, writer: JournalName, cause: string): Promise<void> {
  await writeJsonOnce(`${paths.journal(writer)}${ending}`, { at: new Date().toISOString(), cause });
}

/** True when any worker of the run has found that. */
export async function hasDoubts(paths: RunPaths): Promise<boolean> {
  return (await readdir(paths.journals)).some((name) => name.endsWith(ending));
}
