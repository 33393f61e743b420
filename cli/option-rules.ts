import * as z from 'zod';
import { algorithmWords } from '../core/model/algorithm.ts';
import { parseRemovalLimit } from '../core/model/removal.ts';
import { whyNotForSbatch } from './schedulers/slurm/owned-arguments.ts';

const toNumber = (value: unknown) =>
  typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;

/** A whole number, also as text. */
export const countFrom = (least: number, most = Number.MAX_SAFE_INTEGER) => {
  const error = `it must be a whole number from ${least} ${most === Number.MAX_SAFE_INTEGER ? 'on' : `to ${most}`}`;
  return z.preprocess(toNumber, z.int({ error }).min(least, { error }).max(most, { error }));
};

/** A rate as rateOf reads it; it stays as it was written. */
export const rate = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z.string({ error: 'it must be one rate' }).refine((text) => !Number.isNaN(rateOf(text)), {
    error: 'it must be a rate as 500K, 20M, 1.5G (bytes in a second; without a unit KiB)',
  }),
);

const units = ['B', 'K', 'M', 'G', 'T'];

/** Bytes in a second, as rsync has them: KiB where no unit is said, K and KiB 1024 bytes, KB 1000, B bytes; NaN for what is none. */
export function rateOf(text: string): number {
  const found = /^(\d{1,9}(?:\.\d{1,6})?)(?:(B)|([KMGT])(i?B)?)?$/i.exec(text);
  if (found === null) return Number.NaN;
  const [, number, bytes, letter, tail] = found;
  const power = bytes === undefined ? units.indexOf(letter?.toUpperCase() ?? 'K') : 0;
  return Math.ceil(Number(number) * (tail?.length === 1 ? 1000 : 1024) ** power);
}

const toSeconds = (value: unknown) =>
  typeof value === 'string' && /^\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : value;
const secondsError = 'it must be a number of seconds';

/** A span of time in seconds, also as text; a fraction is allowed. */
export const seconds = z.preprocess(
  toSeconds,
  z.number({ error: secondsError }).positive({ error: 'it must be more than 0' }),
);

/** The same, also none. */
export const secondsFrom0 = z.preprocess(
  toSeconds,
  z.number({ error: secondsError }).nonnegative({ error: secondsError }),
);

/** How much may be removed, as parseRemovalLimit reads it; it stays as it was written. */
export const removalLimit = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z.string({ error: 'it must be one value' }).refine((text) => parseRemovalLimit(text) !== undefined, {
    error: 'it must be a number of entries as 5000, or a part as 25%',
  }),
);

const switches = new Map<unknown, boolean>([
  ['true', true],
  ['yes', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['0', false],
]);

export const toggle = z.preprocess(
  (value) => switches.get(value) ?? value,
  z.boolean({ error: 'it must be true or false' }),
);

/** What --dry-run shows: also what would become of each entry, or the plan alone. */
export const dryRunWords = ['entries', 'plan'] as const;

/** One of these words; as a switch it is all of it. */
export const dryRun = z.preprocess(
  (value) => {
    const switched = switches.get(value) ?? value;
    return switched === true ? 'entries' : switched;
  },
  z.union([z.literal(false), z.enum(dryRunWords)], { error: 'it must be entries, plan, true or false' }),
);

/** Text that goes into one argument of sbatch, and into its records. */
export const word = z
  .string({ error: 'it must be one value' })
  .min(1, { error: 'it is empty' })
  .regex(/^\P{Cc}*$/u, { error: 'it holds a newline or another control character' })
  .refine((text) => !/\p{Surrogate}/u.test(text), { error: 'it is no valid UTF-8' });

/** Options of sbatch, each in one word; a single one needs no list. */
export const words = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z.array(
    word.superRefine((text, context) => {
      const why = whyNotForSbatch(text);
      if (why !== undefined) context.addIssue({ code: 'custom', message: why });
    }),
    { error: 'it must be a list of options of sbatch' },
  ),
);

/** Words of a list, separated by commas; in a config file it may be a list. */
export const wordsOf = <Word extends string>(known: readonly [Word, ...Word[]]) => {
  const error = `it must be some of ${known.join(',')}`;
  return z.preprocess(
    (value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value),
    z.array(z.enum(known, { error }), { error }),
  );
};

export const path = z.string({ error: 'it must be one path' }).min(1, { error: 'it is empty' });
/** One is a list of one. */
export const paths = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z.array(path, { error: 'it must be a list of paths' }).min(1, { error: 'it is empty' }),
);
export const absolutePath = path.startsWith('/', { error: 'it must be an absolute path' });

export const algorithm = z.enum(algorithmWords, { error: `it must be ${algorithmWords.join(', ')}` });
