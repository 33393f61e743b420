import { access, readdir } from 'node:fs/promises';
import * as z from 'zod/mini';
import { type Algorithm, algorithmWords } from '../model/algorithm.ts';
import { type Comparison, compareWords } from '../model/compare.ts';
import { type ProofWord, proofWords } from '../model/difference.ts';
import { type Fidelity, type KeepWord, keepWords, lossWords, symlinkWords } from '../model/fidelity.ts';
import { type AttemptPhase, phaseWords } from '../model/phase.ts';
import { type DeleteWord, deleteWords } from '../model/removal.ts';
import { type SyncWord, syncWords } from '../model/sync.ts';
import { count, damaged, readJson, writeJsonOnce } from './files.ts';
import type { RunPaths } from './run-paths.ts';

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

const manifestWishSchema = z.object({
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

const attemptSchema = z.object({
  format: count,
  attempt: count,
  createdAt: z.string(),
  scheduler: z.enum(['slurm', 'local']),
  queue: z.string(),
  workers: count,
  /** CPUs of each task; missing in attempts made before it differed from the number of threads. */
  cpus: z.optional(count),
  /** How many threads each worker has; missing: it finds out itself. */
  threads: z.optional(count),
  /** Of each worker; missing: as fast as it goes. */
  limits: z.optional(z.object({ bytesPerSecond: z.optional(count), entriesPerSecond: z.optional(count) })),
  /** How often a worker syncs the destination and records what it has copied. */
  checkpointSeconds: z.number().check(z.positive()),
  /** Missing in attempts made before there was a choice: at each checkpoint. */
  sync: z.optional(z.enum(syncWords)),
  /** Missing in attempts made before there was a choice: everything was kept that could be. */
  fidelity: z.optional(
    z.object({
      keep: z.array(z.enum(keepWords)),
      require: z.array(z.enum(lossWords)),
      symlinks: z.enum(symlinkWords),
    }),
  ),
  /** Missing in attempts made before there was a choice: by type, size and mtime. */
  compare: z.optional(
    z.object({
      by: z.enum(compareWords),
      windowSeconds: z.number().check(z.nonnegative()),
      tailBytes: count,
      update: z.boolean(),
      ignoreExisting: z.boolean(),
      existing: z.boolean(),
    }),
  ),
  /** True when JOBID.log is to tell more, for those who want to know how it was done. */
  verbose: z.optional(z.boolean()),
  /** How often a worker tries what fails for a passing cause; missing: as often as it thinks right. */
  tries: z.optional(count),
  /** The attempt whose finish has submitted this one; missing: the user gave the command. */
  continues: z.optional(count),
  /** How many attempts a command of the user's may lead to, its own included; missing: its own. */
  maxAttempts: z.optional(count),
  /** What its tasks do; missing: they copy. */
  phase: z.optional(z.enum(phaseWords)),
  /** What the source does not have is to go when all is copied; missing: it stays. */
  delete: z.optional(
    z.object({
      to: z.enum(deleteWords),
      max: z.string(),
      /** In phase `delete`: how many entries each task may remove. */
      atMost: z.optional(z.array(z.object({ shard: count, entries: count }))),
    }),
  ),
  /** The destination is to be compared with the source when all is copied, or by this attempt; missing: it is not. */
  verify: z.optional(
    z.object({
      by: z.enum(proofWords),
      /** Missing: what was to be kept. */
      keep: z.optional(z.array(z.enum(keepWords))),
      windowSeconds: z.optional(z.number().check(z.nonnegative())),
      extras: z.optional(z.boolean()),
      mends: z.optional(z.boolean()),
      /** In phase `verify`, and after it: the attempt that has begun the comparison. */
      since: z.optional(count),
    }),
  ),
  /** A manifest is to be made of what was copied, or of the tree that the run is for; missing: none. */
  manifest: z.optional(manifestWishSchema),
  /** In phase `remove`: what the tree that goes is known by. */
  remove: z.optional(z.object({ identity: z.string() })),
  /** What finish needs to submit a next attempt. */
  submission: z.optional(
    z.object({
      resources: resourcesSchema,
      templates: z.optional(z.string()),
      node: z.string(),
      worker: z.string(),
    }),
  ),
  /** Task `t` of array `number` works on shard `base + t`; `notOn`: on another node than these. */
  arrays: z.array(
    z.object({
      number: count,
      base: count,
      tasks: z.array(count),
      notOn: z.optional(z.array(z.string())),
    }),
  ),
});

const submittedSchema = z.object({ format: count, job: z.string().check(z.regex(/^\d+$/)), at: z.string() });

/** What a worker may move at most; left out: no limit. */
export type WorkerLimits = {
  readonly bytesPerSecond?: number | undefined;
  readonly entriesPerSecond?: number | undefined;
};

type ResourceLists = 'excludeNodes' | 'extraArguments';

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

/** What is to become of names at the destination that the source does not have, and how many at most: `N` or `N%`. */
export type DeleteWish = {
  readonly to: DeleteWord;
  readonly max: string;
  readonly atMost?: readonly { readonly shard: number; readonly entries: number }[] | undefined;
};

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

/** True of an attempt of a copy that is to be proved by checksums: what copies hashes, and what compares goes by that. */
export function hashesCopies({ verify }: Pick<Attempt, 'verify'>): boolean {
  return verify?.by === 'checksum' && verify.mends === true;
}

/** A manifest that is to be made, and where it goes. */
export type ManifestWish = {
  readonly algorithm: Algorithm;
  readonly file?: string | undefined;
  readonly mode?: number | undefined;
  readonly without?: string | undefined;
  readonly since?: number | undefined;
};

type Later = {
  cpus: number;
  threads: number;
  limits: WorkerLimits;
  sync: SyncWord;
  fidelity: Fidelity;
  compare: Comparison;
  verbose: boolean;
  tries: number;
  continues: number;
  maxAttempts: number;
  phase: AttemptPhase;
  delete: DeleteWish;
  verify: VerifyWish;
  manifest: ManifestWish;
  remove: { readonly identity: string };
  submission: Submission;
};

/** One round of submission, written before the scheduler is asked for anything. */
export type Attempt = Omit<z.infer<typeof attemptSchema>, 'format' | keyof Later> & {
  readonly [key in keyof Later]?: Later[key] | undefined;
};

/** The jobs of an attempt that the scheduler has accepted; `announced` is the number the user was told. */
export type AttemptJobs = {
  readonly arrays: readonly { readonly number: number; readonly job: string }[];
  readonly finish: string | undefined;
  readonly announced: string | undefined;
};

export async function writeAttempt(paths: RunPaths, attempt: Attempt): Promise<void> {
  await writeJsonOnce(paths.attemptInfo(attempt.attempt), attempt);
}

export async function readAttempt(paths: RunPaths, attempt: number): Promise<Attempt> {
  const file = paths.attemptInfo(attempt);
  const info = await readJson(file, attemptSchema);
  if (info.attempt === attempt && (info.continues ?? 0) < attempt) return info;
  throw damaged(file, undefined, 'it is not the attempt that its place says, or continues a later one');
}

/** The attempt that the user gave a command for, of which this one is the continuation; itself where it is none. */
export async function readHead(paths: RunPaths, attempt: Attempt): Promise<Attempt> {
  const { continues } = attempt;
  return continues === undefined ? attempt : readHead(paths, await readAttempt(paths, continues));
}

/** Records that a job was accepted; a retry or a status finds it there. */
export async function writeSubmitted(
  paths: RunPaths,
  attempt: number,
  array: number | 'finish',
  job: string,
): Promise<void> {
  await writeJsonOnce(paths.submitted(attempt, array), { job, at: new Date().toISOString() });
}

export async function readJobs(paths: RunPaths, attempt: Attempt): Promise<AttemptJobs> {
  const arrays: { number: number; job: string }[] = [];
  for (const { number } of attempt.arrays) {
    const job = await readSubmitted(paths, attempt.attempt, number);
    if (job !== undefined) arrays.push({ number, job });
  }
  const finish = await readSubmitted(paths, attempt.attempt, 'finish');
  return { arrays, finish, announced: arrays[0]?.job ?? finish };
}

async function readSubmitted(
  paths: RunPaths,
  attempt: number,
  array: number | 'finish',
): Promise<string | undefined> {
  const file = paths.submitted(attempt, array);
  if (!(await exists(file))) return undefined;
  return (await readJson(file, submittedSchema)).job;
}

/** The numbers of the attempts made so far, ascending; empty when nothing was submitted yet. */
export async function listAttempts(paths: RunPaths): Promise<number[]> {
  const names = await readdir(paths.attempts).catch(() => []);
  const attempts: number[] = [];
  for (const name of names) {
    if (/^[1-9]\d*$/.test(name) && (await exists(paths.attemptInfo(Number(name)))))
      attempts.push(Number(name));
  }
  return attempts.sort((a, b) => a - b);
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
