import * as z from 'zod/mini';
import { count, readJson, writeJsonOnce } from './files.ts';
import type { RunPaths } from './run-paths.ts';

const treeSchema = z.object({
  /** Absolute and resolved: no symlink in it at the time of planning. */
  path: z.string().check(z.regex(/^\/[^\0]*$/)),
  /** As the user typed it. */
  given: z.string(),
  inode: z.string().check(z.regex(/^\d+$/)),
});

export const runInfoSchema = z.object({
  format: count,
  /** Part of names at the destination. */
  id: z.string().check(z.regex(/^[\w-]+$/)),
  version: z.string(),
  createdAt: z.string(),
  host: z.string(),
  uid: count,
  source: treeSchema,
  /** `isNew`: bcopy has made it or found it empty, so nothing was in the way at first. */
  destination: z.extend(treeSchema, { isNew: z.boolean() }),
  /** What was typed, word by word, for the line that repeats it. */
  command: z.array(z.string()),
  options: z.record(z.string(), z.unknown()),
});

/** What a run was asked to do; written before anything is planned and never changed. */
export type RunInfo = z.infer<typeof runInfoSchema>;

export async function writeRunInfo(paths: RunPaths, info: Omit<RunInfo, 'format'>): Promise<void> {
  await writeJsonOnce(paths.info, info);
}

export async function readRunInfo(paths: RunPaths): Promise<RunInfo> {
  return readJson(paths.info, runInfoSchema);
}
