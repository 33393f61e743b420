import { errnoName } from './libc.ts';

/** A system call that failed while one entry was worked on: caught where the entry's outcome is made. */
export class SystemError extends Error {
  /** The errno's name, or one of bcopy's own causes. */
  readonly cause: string;
  /** What was being done: `open source`. */
  readonly action: string;

  constructor(cause: string, action: string) {
    super(`${action}: ${cause}`);
    this.name = 'SystemError';
    this.cause = cause;
    this.action = action;
  }
}

/** Passes a call's result on, or throws what its negative errno means. */
export function check(result: number, action: string): number {
  if (result < 0) throw new SystemError(errnoName(result), action);
  return result;
}
