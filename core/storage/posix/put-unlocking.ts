import { unlock } from './open-directory.ts';
import { SystemError } from './system-error.ts';

const creating = new Set(['create', 'make symlink', 'make special file', 'rename', 'make the link']);

/** A directory of the destination that its own mode keeps its owner out of is opened for the time of the copy. */
export function putUnlocking<R extends { readonly destinationDirectory: number }, T>(
  put: (request: R) => T,
  request: R,
): T {
  try {
    return put(request);
  } catch (error) {
    if (!(error instanceof SystemError) || error.cause !== 'EACCES' || !creating.has(error.action))
      throw error;
    try {
      unlock(request.destinationDirectory);
    } catch {
      throw error;
    }
    return put(request);
  }
}
