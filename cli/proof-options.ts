import * as z from 'zod';
import { compareWords } from '../core/model/difference.ts';
import { BcopyError } from '../core/model/errors.ts';
import { type KeepWord, keepWords } from '../core/model/fidelity.ts';
import { quoteName } from '../core/model/names.ts';
import type { Flags } from './command-line.ts';
import { countFrom, path, wordsOf } from './option-rules.ts';

const switchedOff = z.boolean().default(false);

const comparing = {
  compare: z.enum(compareWords, { error: `it must be ${compareWords.join(', ')}` }).default('checksum'),
  preserve: wordsOf(keepWords).default([...keepWords]),
  'no-preserve': wordsOf(keepWords).default([]),
  json: switchedOff,
  threads: countFrom(1, 256).exactOptional(),
};

const verifySchema = z.strictObject({ source: path, destination: path, ...comparing });

export type VerifyOptions = z.infer<typeof verifySchema>;

export function readVerifyOptions(flags: Flags): VerifyOptions {
  if (flags.source === undefined || flags.destination === undefined)
    throw unusable('verify', 'source and destination are to be given', 'bcopy verify -s SRC -d DST');
  return read('verify', verifySchema, flags);
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
  throw unusable(
    command,
    `--${name} ${quoteName(String(flags[name]))}: ${issue?.message}`,
    `bcopy ${command} --help tells what it takes`,
  );
}

function unusable(command: string, why: string, hint: string): BcopyError {
  return new BcopyError('usage', `cannot do bcopy ${command}: ${why}`, { hint });
}
