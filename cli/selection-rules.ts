import * as z from 'zod';

const sizeUnits = ['', 'K', 'M', 'G', 'T'];

/** Bytes, as rsync has them: K and KiB are 1024, KB 1000; NaN for what is no size. */
export function sizeOf(text: string): number {
  const found = /^(\d{1,15}(?:\.\d{1,6})?)(?:B|([KMGT])(i?B)?)?$/i.exec(text);
  if (found === null) return Number.NaN;
  const [, number, letter = '', tail] = found;
  const bytes =
    Number(number) * (tail?.length === 1 ? 1000 : 1024) ** sizeUnits.indexOf(letter.toUpperCase());
  return Number.isSafeInteger(Math.ceil(bytes)) ? Math.ceil(bytes) : Number.NaN;
}

const unitMs = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 7 * 86_400_000],
]);

/** A moment: so long ago, or a date and time of this machine; NaN for what is none. */
export function momentOf(text: string, nowMs: number): number {
  const [, number, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (number !== undefined) return nowMs - Number(number) * unitMs.get(unit)!;
  const found = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
  if (found === null) return Number.NaN;
  const [year, month, day, hour, minute, second] = found.slice(1).map((part) => Number(part ?? 0));
  const date = new Date(year!, month! - 1, day!, hour!, minute!, second!);
  const isReal = date.getMonth() === month! - 1 && date.getDate() === day && hour! < 24 && minute! < 60;
  return isReal && second! < 60 ? date.getTime() : Number.NaN;
}

const one = z.string({ error: 'it must be one value' });

/** Texts that stay as they were written; momentOf and sizeOf tell what they mean. */
export const moment = one.refine((text) => !Number.isNaN(momentOf(text, 0)), {
  error: 'it must be an age as 30m, 12h, 7d, 2w, or a date YYYY-MM-DD[THH:MM[:SS]]',
});
export const size = one.refine((text) => !Number.isNaN(sizeOf(text)), {
  error: 'it must be a size as 500K, 20M, 1.5G (without a unit bytes)',
});

/** --exclude, --include and --exclude-from with what was given to each, in the order as typed. */
export const givenRules = z.array(z.tuple([z.enum(['exclude', 'include', 'exclude-from']), z.string()]));
export type GivenRule = z.infer<typeof givenRules>[number];
