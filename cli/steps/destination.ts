import { mkdir, rmdir } from 'node:fs/promises';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';

/**
 * Makes the destination, for this user only until finish gives it its mode; true when it was not there. It is
 * made here and never by a worker, so that a node that does not see it cannot make another in its stead.
 */
export async function makeDestination(path: string): Promise<boolean> {
  try {
    await mkdir(Buffer.from(toBytes(path)), { mode: 0o700 });
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new BcopyError(
      'destinationUnwritable',
      `cannot make the destination ${quoteName(path)}: ${message}`,
    );
  }
}

/** Takes an empty destination away again, when nothing was submitted after all. */
export async function unmakeDestination(path: string): Promise<void> {
  await rmdir(Buffer.from(toBytes(path))).catch(() => undefined);
}
