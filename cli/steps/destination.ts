import { lstat, rmdir } from 'node:fs/promises';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';
import { hasVirtualTop, type SourceRoot } from '../../core/model/source-root.ts';
import { makeRoot } from '../../core/storage/posix/open-root.ts';
import type { DestinationTree } from './preflight.ts';

/**
 * Makes the destination, for this user only until finish gives it its mode; true when it was not there. One that holds several
 * sources is like none of them: it has the mode of any new directory. It is
 * made here and never by a worker, so that a node that does not see it cannot make another in its stead. Its identity is that of the
 * directory that it is made in, when it was not there at the time of planning.
 */
export async function makeDestination(
  { path, identity }: DestinationTree,
  roots: readonly SourceRoot[],
): Promise<boolean> {
  if (await isThere(path)) return false;
  try {
    return makeRoot(path, String(identity.inode), hasVirtualTop(roots) ? 0o777 : 0o700);
  } catch (error) {
    throw new BcopyError(
      'destinationUnwritable',
      `cannot make the destination ${quoteName(path)}: ${(error as Error).message}`,
    );
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(Buffer.from(toBytes(path))).then(
    () => true,
    () => false,
  );
}

/** Takes an empty destination away again, when nothing was submitted after all. */
export async function unmakeDestination(path: string): Promise<void> {
  await rmdir(Buffer.from(toBytes(path))).catch(() => undefined);
}
