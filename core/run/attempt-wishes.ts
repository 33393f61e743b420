import * as z from 'zod/mini';
import { type Algorithm, algorithmWords } from '../model/algorithm.ts';
import { type ProofWord, proofWords } from '../model/difference.ts';
import { type KeepWord, keepWords } from '../model/fidelity.ts';
import { type DeleteWord, deleteWords } from '../model/removal.ts';
import { count } from './files.ts';

// What an attempt is asked for beside what its tasks do, as attempt.json has it.

export const workerLimitsSchema = z.object({
  bytesPerSecond: z.optional(count),
  entriesPerSecond: z.optional(count),
});

/** What a worker may move at most; left out: no limit. */
export type WorkerLimits = {
  readonly bytesPerSecond?: number | undefined;
  readonly entriesPerSecond?: number | undefined;
};

/** What jobs ask of the scheduler, as the first attempt asked. */
const resourcesSchema = z.object({
  account: z.optional(z.string()),
  partition: z.optional(z.string()),
  qos: z.optional(z.string()),
  time: z.optional(z.string()),
  mem: z.optional(z.string()),
  cpusPerTask: z.optional(count),
  constraint: z.optional(z.string()),
  reservation: z.optional(z.string()),
  mailUser: z.optional(z.string()),
  mailType: z.optional(z.string()),
  excludeNodes: z.optional(z.array(z.string())),
  extraArguments: z.optional(z.array(z.string())),
});

export const submissionSchema = z.object({
  resources: resourcesSchema,
  templates: z.optional(z.string()),
  node: z.string(),
  worker: z.string(),
});

type ResourceLists = 'excludeNodes' | 'extraArguments';

/** What finish needs to submit a next attempt. */
export type Submission = {
  readonly resources: Readonly<Omit<z.infer<typeof resourcesSchema>, ResourceLists>> & {
    readonly [key in ResourceLists]?: readonly string[] | undefined;
  };
  /** The site's directory of templates; it may be relative to the directory where the run was made. */
  readonly templates?: string | undefined;
  /** The node program and the worker bundle, as the compute nodes see them. */
  readonly node: string;
  readonly worker: string;
};

export const deleteWishSchema = z.object({
  to: z.enum(deleteWords),
  max: z.string(),
  /** In phase `delete`: how many entries each task may remove. */
  atMost: z.optional(z.array(z.object({ shard: count, entries: count }))),
});

/** What is to become of names at the destination that the source does not have, and how many at most: `N` or `N%`. */
export type DeleteWish = {
  readonly to: DeleteWord;
  readonly max: string;
  readonly atMost?: readonly { readonly shard: number; readonly entries: number }[] | undefined;
};

export const verifyWishSchema = z.object({
  by: z.enum(proofWords),
  /** Missing: what was to be kept. */
  keep: z.optional(z.array(z.enum(keepWords))),
  windowSeconds: z.optional(z.number().check(z.nonnegative())),
  extras: z.optional(z.boolean()),
  mends: z.optional(z.boolean()),
  /** In phase `verify`, and after it: the attempt that has begun the comparison. */
  since: z.optional(count),
});

/** How the destination is to be compared with the source. */
export type VerifyWish = {
  readonly by: ProofWord;
  readonly keep?: readonly KeepWord[] | undefined;
  /** By so many seconds mtimes may differ; left out: not at all. */
  readonly windowSeconds?: number | undefined;
  /** True: what the source does not have is a difference. */
  readonly extras?: boolean | undefined;
  /** True: what differs is copied again, once. */
  readonly mends?: boolean | undefined;
  readonly since?: number | undefined;
};

export const manifestWishSchema = z.object({
  algorithm: z.enum(algorithmWords),
  /** Absolute; missing: it stays in the run directory. */
  file: z.optional(z.string()),
  /** Permission bits of the file. */
  mode: z.optional(count),
  /** A path of the tree that is not in it: its own. */
  without: z.optional(z.string()),
  /** In phase `hash`: the attempt that has begun it; missing: this one. */
  since: z.optional(count),
});

/** A manifest that is to be made, and where it goes. */
export type ManifestWish = {
  readonly algorithm: Algorithm;
  readonly file?: string | undefined;
  readonly mode?: number | undefined;
  readonly without?: string | undefined;
  readonly since?: number | undefined;
};
