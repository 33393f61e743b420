import * as z from 'zod/mini';
import { algorithmWords } from '../model/algorithm.ts';
import { count } from './files.ts';

/** Entries of which nothing is left to be hashed, and what of them is in a file of digests. */
export const digestsSchema = z.object({
  type: z.literal('digests'),
  ranges: z.array(z.tuple([count, count])),
  files: count,
  bytes: count,
  /** In the directory of digests; missing when `files` is 0. */
  file: z.optional(z.string().check(z.regex(/^[\w.-]+$/))),
});

/** A file that has no digest, and why. */
export const unhashedSchema = z.object({
  type: z.literal('unhashed'),
  ordinal: count,
  path: z.string(),
  cause: z.string(),
  action: z.string(),
});

/** What finish has made of all digests; `why` it has not. */
export const manifestSchema = z.object({
  type: z.literal('manifest'),
  algorithm: z.enum(algorithmWords),
  files: count,
  bytes: count,
  /** Names that the algorithm's own tool cannot read. */
  notForTool: count,
  why: z.optional(z.string()),
});

export type DigestsLine = z.infer<typeof digestsSchema>;
export type UnhashedLine = z.infer<typeof unhashedSchema>;
export type ManifestLine = z.infer<typeof manifestSchema>;
