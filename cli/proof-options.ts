import * as z from 'zod';
import type { Algorithm } from '../core/model/algorithm.ts';
import { differenceKinds, proofWords } from '../core/model/difference.ts';
import { BcopyError } from '../core/model/errors.ts';
import { type KeepWord, keepWords } from '../core/model/fidelity.ts';
import { quoteName } from '../core/model/names.ts';
import type { Flags } from './command-line.ts';
import { algorithm, countFrom, path, wordsOf } from './option-rules.ts';
import { jobTable } from './option-tables/proof.ts';

const ways = 'bcopy verify -s SRC -d DST, bcopy verify JOBID, or bcopy verify --manifest FILE DIR';
const switchedOff = z.boolean().default(false);

const comparing = {
  compare: z.enum(proofWords, { error: `it must be ${proofWords.join(', ')}` }).default('checksum'),
  preserve: wordsOf(keepWords).default([...keepWords]),
  'no-preserve': wordsOf(keepWords).default([]),
  'modify-window': countFrom(0, 86_400).default(0),
  json: switchedOff,
  threads: countFrom(1, 256).exactOptional(),
};

const { threads } = comparing;

const treesSchema = z.strictObject({
  source: path,
  destination: path,
  'no-wait': switchedOff,
  ...comparing,
});
const runSchema = z.strictObject({
  job: z.string().regex(/^[1-9]\d*$/, { error: 'it is not a job number' }),
  'no-wait': switchedOff,
  ...comparing,
});
const manifestCheckSchema = z.strictObject({
  manifest: path,
  job: path,
  algorithm: algorithm.exactOptional(),
  strict: switchedOff,
  json: switchedOff,
  threads,
});
const manifestSchema = z.strictObject({
  directory: path,
  algorithm: algorithm.default('xxh3'),
  output: path.exactOptional(),
  threads,
});

const compareSchema = z.strictObject({
  first: path,
  second: path,
  ...comparing,
  only: wordsOf(differenceKinds).exactOptional(),
  list: z.enum(['files', 'tar'], { error: 'it must be files or tar' }).exactOptional(),
  null: switchedOff,
});

const saveSchema = z.strictObject({ first: path, save: path, compare: comparing.compare, threads });

/** Two trees, what a run has copied, or a manifest and a tree. */
export type VerifyOptions =
  | ({ readonly kind: 'trees'; readonly jobs: Flags } & z.infer<typeof treesSchema>)
  | ({ readonly kind: 'run'; readonly jobs: Flags } & z.infer<typeof runSchema>)
  | {
      readonly kind: 'manifest';
      readonly manifest: string;
      readonly directory: string;
      readonly algorithm: Algorithm | undefined;
      readonly strict: boolean;
      readonly json: boolean;
      readonly threads: number | undefined;
    };
export type CompareOptions = z.infer<typeof compareSchema>;
export type SaveOptions = z.infer<typeof saveSchema>;
export type ManifestOptions = z.infer<typeof manifestSchema>;

/** `jobs` is what was typed of the options of jobs, not validated yet. */
export function readVerifyOptions(flags: Flags): VerifyOptions {
  if (flags.manifest !== undefined) return readManifestCheck(flags);
  refuseOthers(flags, ['algorithm', 'strict'], 'trees');
  const [own, jobs] = splitFlags(flags);
  if (flags.job !== undefined) {
    refuseOthers(flags, ['source', 'destination', 'shards'], 'a job number');
    return { kind: 'run', jobs, ...read('verify', runSchema, own) };
  }
  if (flags.source === undefined || flags.destination === undefined)
    throw unusable('verify', 'source and destination are to be given', ways);
  return { kind: 'trees', jobs, ...read('verify', treesSchema, own) };
}

function splitFlags(flags: Flags): [own: Flags, ofJobs: Flags] {
  const names = new Set(jobTable.map(({ name }) => name));
  const entries = Object.entries(flags);
  return [
    Object.fromEntries(entries.filter(([name]) => !names.has(name))),
    Object.fromEntries(entries.filter(([name]) => names.has(name))),
  ];
}

function readManifestCheck(flags: Flags): VerifyOptions {
  refuseOthers(
    flags,
    ['source', 'destination', 'compare', 'preserve', 'no-preserve', 'modify-window', 'no-wait'].concat(
      jobTable.map(({ name }) => name),
    ),
    'a manifest',
  );
  if (flags.job === undefined)
    throw unusable('verify', 'no directory is given', 'bcopy verify --manifest FILE DIR');
  const { job: directory, ...rest } = read('verify', manifestCheckSchema, flags);
  return { kind: 'manifest', directory, algorithm: undefined, threads: undefined, ...rest };
}

export function readManifestOptions(flags: Flags): ManifestOptions {
  if (flags.directory === undefined)
    throw unusable('manifest', 'no directory is given', 'bcopy manifest DIR');
  return read('manifest', manifestSchema, flags);
}

export function readCompareOptions(flags: Flags): CompareOptions | SaveOptions {
  if (flags.save !== undefined) return readSaveOptions(flags);
  if (flags.first === undefined || flags.second === undefined)
    throw unusable('compare', 'two directories are to be given', 'bcopy compare A B');
  const options = read('compare', compareSchema, flags);
  const hint = 'bcopy compare A B --list files --null';
  if (options.json && options.list !== undefined) throw unusable('compare', '--json is no list', hint);
  if (options.null && options.list === undefined) throw unusable('compare', '--null is for a list', hint);
  return options;
}

function readSaveOptions(flags: Flags): SaveOptions {
  const hint = 'bcopy compare DIR --save FILE, and later bcopy compare FILE DIR';
  const known = ['first', 'save', 'compare', 'threads'];
  const other = Object.keys(flags).find((name) => !known.includes(name));
  if (other === 'second') throw unusable('compare', '--save takes one directory', hint);
  if (other !== undefined) throw unusable('compare', `--${other} does not go with --save`, hint);
  if (flags.first === undefined) throw unusable('compare', 'no directory is given', hint);
  return read('compare', saveSchema, flags);
}

function refuseOthers(flags: Flags, names: readonly string[], what: string): void {
  const other = names.find((name) => flags[name] !== undefined);
  if (other === undefined) return;
  throw unusable('verify', `--${other} does not go with ${what}`, ways);
}

/** What of entries is compared. */
export function keptOf(options: { preserve: KeepWord[]; 'no-preserve': KeepWord[] }): KeepWord[] {
  return options.preserve.filter((word) => !options['no-preserve'].includes(word));
}

function read<T>(command: string, schema: z.ZodType<T>, flags: Flags): T {
  const result = schema.safeParse(flags);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = String(issue?.path[0]);
  const option = name === 'job' ? '' : `--${name} `;
  throw unusable(
    command,
    `${option}${quoteName(String(flags[name]))}: ${issue?.message}`,
    `bcopy ${command} --help tells what it takes`,
  );
}

function unusable(command: string, why: string, hint: string): BcopyError {
  return new BcopyError('usage', `cannot do bcopy ${command}: ${why}`, { hint });
}
