import * as z from 'zod/mini';
import { quoteName, quoteNames } from '../model/names.ts';
import type { SourceRoot } from '../model/source-root.ts';
import { count, readJson, writeJsonOnce } from './files.ts';
import type { RunPaths } from './run-paths.ts';

/** `manifest` and `remove` are for a tree, the source; nothing is written to the destination. */
export const purposeWords = ['copy', 'verify', 'manifest', 'remove'] as const;

const treeSchema = z.object({
  /** Absolute and resolved: no symlink in it at the time of planning. */
  path: z.string().check(z.regex(/^\/[^\0]*$/)),
  /** As the user typed it. */
  given: z.string(),
  inode: z.string().check(z.regex(/^\d+$/)),
});

/** What is copied is one of several things, or no directory; see SourceRoot. */
const rootSchema = z.extend(treeSchema, {
  /** At the destination. */
  name: z.string().check(z.regex(/^(?!\.{1,2}$)[^/\0]+$/)),
  isFile: z.optional(z.boolean()),
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

const infoSchema = z.object({
  format: count,
  /** Part of names at the destination. */
  id: z.string().check(z.regex(/^[\w-]+$/)),
  version: z.string(),
  createdAt: z.string(),
  host: z.string(),
  uid: count,
  /** The directory whose content is copied; where it is left out, `roots` are. */
  source: z.optional(treeSchema),
  roots: z.optional(z.array(rootSchema).check(z.minLength(1))),
  /** `isNew`: bcopy has made it or found it empty, so nothing was in the way at first. */
  destination: z.extend(treeSchema, { isNew: z.boolean() }),
  /** What was typed, word by word, for the line that repeats it. */
  command: z.array(z.string()),
  /** What for it was made; left out: to copy. */
  purpose: z.optional(z.enum(purposeWords)),
  /** What of the source was to be copied; left out: all of it. */
  filters: z.optional(filtersSchema),
  options: z.record(z.string(), z.unknown()),
});

export const runInfoSchema = infoSchema.check(
  z.refine(
    ({ source, roots }) => (source === undefined) !== (roots === undefined),
    'neither or both of source and roots',
  ),
);

/** What a run was asked to do; written before anything is planned and never changed. */
export type RunInfo = z.infer<typeof runInfoSchema>;

/** What a run copies: the one directory, without a name, or several things with theirs. */
export function rootsOf({ source, roots }: Pick<RunInfo, 'source' | 'roots'>): readonly SourceRoot[] {
  if (source === undefined) return roots ?? [];
  return [{ name: '', path: source.path, inode: source.inode }];
}

/** The tree of a run that is made for one. */
export function treeOfRun(info: Pick<RunInfo, 'source' | 'roots'>): SourceRoot {
  return rootsOf(info)[0]!;
}

/** What a run copies, for people; of many sources only the first where that is wanted. */
export function saySource(info: Pick<RunInfo, 'source' | 'roots'>, atMost?: number): string {
  const paths = rootsOf(info).map(({ path }) => path);
  return quoteNames(paths, atMost ?? paths.length);
}

/** Where it goes, for people: a file that gets another name, with that. */
export function sayDestination({ roots, destination }: Pick<RunInfo, 'roots' | 'destination'>): string {
  const [first, ...others] = roots ?? [];
  if (first?.isFile !== true || others.length > 0) return quoteName(destination.path);
  return quoteName(`${destination.path === '/' ? '' : destination.path}/${first.name}`);
}

export async function writeRunInfo(paths: RunPaths, info: Omit<RunInfo, 'format'>): Promise<void> {
  await writeJsonOnce(paths.info, info);
}

export async function readRunInfo(paths: RunPaths): Promise<RunInfo> {
  return readJson(paths.info, runInfoSchema);
}
