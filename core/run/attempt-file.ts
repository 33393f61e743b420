import { readdir } from 'node:fs/promises';
import * as z from 'zod/mini';
import { type Comparison, compareWords } from '../model/compare.ts';
import { type Fidelity, keepWords, lossWords, symlinkWords } from '../model/fidelity.ts';
import { type AttemptPhase, phaseWords } from '../model/phase.ts';
import { type SyncWord, syncWords } from '../model/sync.ts';
import {
  type DeleteWish,
  deleteWishSchema,
  type ManifestWish,
  manifestWishSchema,
  type Submission,
  submissionSchema,
  type VerifyWish,
  verifyWishSchema,
  type WorkerLimits,
  workerLimitsSchema,
} from './attempt-wishes.ts';
import { count, damaged, exists, readJson, writeJsonOnce } from './files.ts';
import type { RunPaths } from './run-paths.ts';

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
  limits: z.optional(workerLimitsSchema),
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
  delete: z.optional(deleteWishSchema),
  /** The destination is to be compared with the source when all is copied, or by this attempt; missing: it is not. */
  verify: z.optional(verifyWishSchema),
  /** A manifest is to be made of what was copied, or of the tree that the run is for; missing: none. */
  manifest: z.optional(manifestWishSchema),
  /** In phase `remove`: what the tree that goes is known by. */
  remove: z.optional(z.object({ identity: z.string() })),
  /** What finish needs to submit a next attempt. */
  submission: z.optional(submissionSchema),
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

/** True of an attempt of a copy that is to be proved by checksums: what copies hashes, and what compares goes by that. */
export function hashesCopies({ verify }: Pick<Attempt, 'verify'>): boolean {
  return verify?.by === 'checksum' && verify.mends === true;
}

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
