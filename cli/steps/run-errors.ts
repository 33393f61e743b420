import { BcopyError } from '../../core/model/errors.ts';

const causes = new Map([
  ['ENOSPC', 'no space left in the current directory'],
  ['EDQUOT', 'your quota for the current directory is exceeded'],
  ['EROFS', 'the current directory is on a read-only file system'],
  ['EACCES', 'permission denied in the current directory'],
  ['EIO', 'input/output error in the current directory'],
]);

const hint =
  'go to a directory that you can write to and that the compute nodes see: bcopy leaves its logs where you stand';

/** The sentence for a run directory that cannot be written; any other error as it is. */
export function explainRunError(error: unknown): unknown {
  const why = causes.get((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  if (why === undefined || error instanceof BcopyError) return error;
  return new BcopyError('destinationUnwritable', `cannot keep the run here: ${why}`, { hint });
}
