import * as z from 'zod';
import { byTime, type Comparison, compareWords } from '../core/model/compare.ts';
import { verifyWords } from '../core/model/difference.ts';
import { BcopyError } from '../core/model/errors.ts';
import { type Fidelity, keepWords, lossWords, symlinkWords } from '../core/model/fidelity.ts';
import { deleteWords } from '../core/model/removal.ts';
import { syncWords } from '../core/model/sync.ts';
import type { WorkerLimits } from '../core/run/attempt-wishes.ts';
import type { Flags } from './command-line.ts';
import {
  absolutePath,
  algorithm as algorithmRule,
  countFrom,
  dryRun,
  path,
  paths,
  rate,
  rateOf,
  removalLimit,
  seconds,
  secondsFrom0,
  toggle,
  word,
  words,
  wordsOf,
} from './option-rules.ts';
import type { Setting } from './parse-config.ts';
import { givenRules, moment, size } from './selection-rules.ts';
import { readSettings, type Surroundings } from './settings.ts';

const copySchema = z.strictObject({
  source: paths,
  destination: path,
  check: toggle.default(false),
  retry: toggle.default(false),
  dryRun: dryRun.default(false),
  json: toggle.default(false),
  force: toggle.default(false),
  wait: toggle.default(false),
  verbose: toggle.default(false),
  parsable: toggle.default(false),
  rules: givenRules.exactOptional(),
  filesFrom: path.exactOptional(),
  null: toggle.exactOptional(),
  newer: moment.exactOptional(),
  older: moment.exactOptional(),
  minSize: size.exactOptional(),
  maxSize: size.exactOptional(),
  oneFileSystem: toggle.exactOptional(),
  directoriesOnly: toggle.exactOptional(),
  scheduler: z.enum(['slurm', 'local'], { error: 'it must be slurm or local' }).exactOptional(),
  delete: z.enum(deleteWords, { error: 'it must be trash or now' }).exactOptional(),
  maxDelete: removalLimit.default('10%'),
  verify: z.enum(verifyWords, { error: 'it must be none, size or checksum' }).default('none'),
  manifest: path.exactOptional(),
  algorithm: algorithmRule.default('xxh3'),
  preserve: wordsOf(keepWords).default([...keepWords]),
  noPreserve: wordsOf(keepWords).default([]),
  require: wordsOf(lossWords).default([]),
  links: z.enum(symlinkWords, { error: 'it must be copy, follow or skip' }).default('copy'),
  compare: z.enum(compareWords, { error: 'it must be size, mtime, tail or checksum' }).default('mtime'),
  tailBytes: countFrom(1).default(byTime.tailBytes),
  modifyWindow: secondsFrom0.default(0),
  update: toggle.default(false),
  ignoreExisting: toggle.default(false),
  existing: toggle.default(false),
  workers: countFrom(1).exactOptional(),
  shards: countFrom(1).exactOptional(),
  checkpoint: seconds.default(30),
  sync: z.enum(syncWords, { error: 'it must be none, checkpoint or file' }).default('checkpoint'),
  threads: countFrom(1, 256).exactOptional(),
  bwlimit: rate.exactOptional(),
  opsLimit: countFrom(0).exactOptional(),
  tries: countFrom(1, 100).default(4),
  maxAttempts: countFrom(1).default(10),
  noContinue: toggle.default(false),
  cpusPerTask: countFrom(1).default(2),
  account: word.exactOptional(),
  partition: word.exactOptional(),
  qos: word.exactOptional(),
  time: word.exactOptional(),
  mem: word.exactOptional(),
  constraint: word.exactOptional(),
  reservation: word.exactOptional(),
  mailUser: word.exactOptional(),
  mailType: word.exactOptional(),
  sbatchArg: words.default([]),
  /** A directory; from a config file it is absolute, else it may be relative to the current directory. */
  templates: path.exactOptional(),
  /** The node program, as the compute nodes see it. */
  node: absolutePath,
  workerBundle: absolutePath,
});

/** What a copy was asked to do, settled: every value is valid, and nothing has been touched yet. */
export type CopyOptions = z.infer<typeof copySchema>;

/**
 * Settles the options of a copy. What is typed wins, then BCOPY_*, then the user's own SBATCH_*, the user's config
 * file, the system's, the defaults; a list is taken whole from one of them. Every value is checked, also one that
 * another overrides.
 */
export async function readCopyOptions(flags: Flags, surroundings: Surroundings): Promise<CopyOptions> {
  refuseMissing(flags);
  const settings = await readSettings(flags, surroundings);
  const chosen: Record<string, unknown> = {
    node: surroundings.node,
    workerBundle: surroundings.workerBundle,
  };
  for (const setting of settings.toReversed()) chosen[propertyOf(setting.name)] = validated(setting);
  const options = copySchema.parse(chosen);
  refuseContradiction(fidelityOf(options));
  refuseUnprovable(options);
  refuseStrayJson(options);
  return options;
}

/** What of each entry is to be kept, and what must be. */
export function fidelityOf({ preserve, noPreserve, require, links }: CopyOptions): Fidelity {
  return { keep: preserve.filter((word) => !noPreserve.includes(word)), require, symlinks: links };
}

/** When something at the destination is a copy already, and when it stays though it is not. */
export function comparisonOf(options: CopyOptions): Comparison {
  const { compare: by, modifyWindow: windowSeconds, tailBytes, update, ignoreExisting, existing } = options;
  return { by, windowSeconds, tailBytes, update, ignoreExisting, existing };
}

/** What each worker may move at most; 0 is no limit. */
export function limitsOf({ bwlimit, opsLimit }: CopyOptions): WorkerLimits {
  const bytesPerSecond = bwlimit === undefined ? 0 : rateOf(bwlimit);
  return {
    ...(bytesPerSecond > 0 ? { bytesPerSecond } : {}),
    ...(opsLimit ? { entriesPerSecond: opsLimit } : {}),
  };
}

function refuseContradiction({ keep, require }: Fidelity): void {
  const known: readonly string[] = keepWords;
  const left = require.find((word) => known.includes(word) && !keep.some((kept) => kept === word));
  if (left === undefined) return;
  throw new BcopyError('usage', `cannot require ${left}: it is not to be preserved`, {
    hint: 'take it out of require or no-preserve, or into preserve',
  });
}

/** What is left as it is may be anything, and what a symlink leads to has another place in the source. */
function refuseUnprovable(options: CopyOptions): void {
  if (options.verify === 'none') return;
  const { update, ignoreExisting, existing, links } = options;
  const leaves = { update, 'ignore-existing': ignoreExisting, existing, 'links follow': links === 'follow' };
  const [other] = Object.entries(leaves).find(([, is]) => is) ?? [];
  if (other === undefined) return;
  throw new BcopyError(
    'usage',
    `cannot copy with --verify and --${other}: the copy is not to be like its source`,
    {
      hint: 'leave one of both away',
    },
  );
}

function refuseStrayJson({ json, dryRun: shows }: CopyOptions): void {
  if (!json || shows !== false) return;
  throw new BcopyError('usage', 'cannot use --json: it is for --dry-run', {
    hint: 'bcopy status JOBID --json tells how far a copy is',
  });
}

function refuseMissing(flags: Flags): void {
  const missing = ['source', 'destination'].filter((name) => flags[name] === undefined);
  if (missing.length === 0) return;
  const which = missing.length === 1 ? `no ${missing[0]}` : 'neither source nor destination';
  throw new BcopyError('usage', `cannot copy: ${which} is given`, {
    hint: 'bcopy -s SRC -d DST; bcopy --help shows more',
  });
}

function propertyOf(name: string): keyof CopyOptions {
  if (name === 'worker') return 'workerBundle';
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()) as keyof CopyOptions;
}

function validated({ name, value, said, origin }: Setting): unknown {
  const rule = name === 'templates' && origin === 'file' ? absolutePath : copySchema.shape[propertyOf(name)];
  const result = rule.safeParse(value ?? null);
  if (result.success) return result.data;
  throw new BcopyError('usage', `cannot use ${said}: ${result.error.issues[0]?.message}`, {
    hint: `bcopy --help tells what ${name} takes`,
  });
}
