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

/** As Filters has them, and what was typed where that is not the same each time. */
const filtersSchema = z.object({
  rules: z.optional(z.array(z.object({ kind: z.enum(['exclude', 'include']), pattern: z.string() }))),
  newerMs: z.optional(z.number()),
  olderMs: z.optional(z.number()),
  minBytes: z.optional(count),
  maxBytes: z.optional(count),
  directoriesOnly: z.optional(z.boolean()),
  oneFileSystem: z.optional(z.boolean()),
  given: z.optional(z.object({ newer: z.optional(z.string()), older: z.optional(z.string()) })),
  /** Of --files-from: how many entries, and their SHA-256. */
  listed: z.optional(z.object({ entries: count, digest: z.string() })),
});
export type RecordedFilters = z.infer<typeof filtersSchema>;

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
  /** What for it was made; left out: to copy. */
  purpose: z.optional(z.enum(['copy', 'verify'])),
  /** What of the source was to be copied; left out: all of it. */
  filters: z.optional(filtersSchema),
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
