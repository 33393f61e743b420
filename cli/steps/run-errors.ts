import { BcopyError } from '../../core/model/errors.ts';

const causes = new Map([
  ['ENOSPC', 'no space left in the current directory'],
  ['EDQUOT', 'your quota for the current directory is exceeded'],
  ['EROFS', 'the current directory is on a read-only file system'],
  ['EACCES', 'permission denied in the current directory'],
  ['EIO', 'input/output error in the current directory'],
]);

const space = 'make room here (bcopy clean removes runs that are complete)';

/** What the reader can do next, where room is missing and where something else is. */
const hints = {
  /** Nothing was begun, and another directory would do. */
  elsewhere: {
    space: `${space}, or go to another directory that the compute nodes see: bcopy leaves its logs where you stand`,
    other:
      'go to a directory that you can write to and that the compute nodes see: bcopy leaves its logs where you stand',
  },
  /** The run was there before, and is as it was. */
  again: {
    space: `${space}, then give the same command again: the run is as it was`,
    other: 'give the same command again when you can write here: the run is as it was',
  },
  /** Jobs were submitted, and cancelled; of a command that knows no --retry. */
  anew: {
    space: `${space}, then give the same command again`,
    other: 'give the same command again when you can write here',
  },
  /** The same of a copy. */
  retry: {
    space: `${space}, then give the same command with --retry`,
    other: 'give the same command with --retry when you can write here',
  },
} as const;

/** True of an error that says that a file of a run could not be written. */
export function isRunError(error: unknown): boolean {
  return !(error instanceof BcopyError) && sayWhy(error) !== undefined;
}

/** The sentence for a run directory that cannot be written; any other error as it is. */
export function explainRunError(error: unknown, next: keyof typeof hints = 'elsewhere'): unknown {
  const why = sayWhy(error);
  if (why === undefined || error instanceof BcopyError) return error;
  const code = codeOf(error);
  const hint = hints[next][code === 'ENOSPC' || code === 'EDQUOT' ? 'space' : 'other'];
  return new BcopyError('destinationUnwritable', `cannot keep the run here: ${why}`, { hint });
}

/** Tells that some file cannot be written, which is no reason to stop; throws any other error. */
export function noteRunError(error: unknown, what: string, note: (message: string) => void): void {
  const why = sayWhy(error);
  if (why === undefined) throw error;
  note(`cannot write ${what}: ${why}`);
}

/** Undefined when it is another error than that a file of the run could not be written. */
function sayWhy(error: unknown): string | undefined {
  return causes.get(codeOf(error) ?? '');
}

/** Node has no name for this one (libuv's errors). */
const quotaExceeded = -122;

function codeOf(error: unknown): string | undefined {
  const { code, errno } = (error ?? {}) as NodeJS.ErrnoException;
  return errno === quotaExceeded ? 'EDQUOT' : code;
}
