import { lstat } from 'node:fs/promises';
import { BcopyError } from '../model/errors.ts';

/** What others may write to is not theirs alone. */
const writableByOthers = 0o022;

/** Why a directory of runs is not to be believed: undefined when it is the user's own, or is not there. */
export async function whyForeign(directory: string): Promise<string | undefined> {
  const status = await lstat(directory).catch(() => undefined);
  if (status === undefined) return undefined;
  if (!status.isDirectory()) return 'is no directory';
  if (status.uid !== process.geteuid?.()) return 'belongs to somebody else';
  return (status.mode & writableByOthers) === 0 ? undefined : 'may be written to by others';
}

/** Throws where files of a run would be read that somebody else may have written; root is no exception. */
export async function refuseForeign(directory: string): Promise<void> {
  const why = await whyForeign(directory);
  if (why === undefined) return;
  throw new BcopyError('runDamaged', `cannot read the run: ${directory} ${why}`, {
    hint: 'only who made a run may go on with it, or look at it',
  });
}
