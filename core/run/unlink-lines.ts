import * as z from 'zod/mini';
import { count } from './files.ts';

/** Entries that nobody has to try again to remove, but for directories, and how many of them, directories too, have gone by this worker. */
export const unlinkedSchema = z.object({
  type: z.literal('unlinked'),
  from: count,
  to: count,
  entries: count,
  bytes: count,
});

/** What stays of a tree that was to go; only finish says it. */
export const staysSchema = z.object({
  type: z.literal('stays'),
  path: z.string(),
  cause: z.string(),
  action: z.string(),
});

/** Finish has gone through the whole tree: what it has removed itself, and how much stays. */
export const goneSchema = z.object({ type: z.literal('gone'), entries: count, stays: count });

export type UnlinkedLine = z.infer<typeof unlinkedSchema>;
export type StaysLine = z.infer<typeof staysSchema>;
export type GoneLine = z.infer<typeof goneSchema>;
