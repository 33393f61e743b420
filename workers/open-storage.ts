import { hostname } from 'node:os';
import { BcopyError } from '../core/model/errors.ts';
import { PosixStorage, type PosixStorageRequest } from '../core/storage/posix/posix-storage.ts';

/** Opens the trees, or says which of them this node does not see. */
export function openStorage(request: PosixStorageRequest): PosixStorage {
  return openTrees(() => new PosixStorage(request));
}

/** The same for whatever else opens both. */
export function openTrees<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    const { action, cause } = error as { action?: string; cause?: string };
    if (action === undefined) throw error;
    const kind = action === 'open the destination' ? 'destinationUnwritable' : 'sourceUnreadable';
    throw new BcopyError(kind, `cannot ${action} on ${hostname()}: ${cause}`, {
      hint: 'see that both directories are mounted on the compute nodes, then --retry',
    });
  }
}
