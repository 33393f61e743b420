import { BcopyError } from '../core/model/errors.ts';
import { quoteName } from '../core/model/names.ts';

/** The `usage` error of a config file, with the line where it is known. */
export function unusableConfig(
  file: string,
  line: number | undefined,
  why: string,
  hint?: string,
): BcopyError {
  const place = line === undefined ? quoteName(file) : `${quoteName(file)} line ${line}`;
  return new BcopyError('usage', `cannot use ${place}: ${why}`, hint === undefined ? {} : { hint });
}
