import { lstatSync, statSync } from 'node:fs';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, quoteNames, toBytes } from '../../core/model/names.ts';
import type { Totals } from '../../core/model/plan.ts';
import { allowsAll, parseRemovalLimit } from '../../core/model/removal.ts';
import { directoryOfRoot, hasVirtualTop } from '../../core/model/source-root.ts';
import type { CopyOptions } from '../options.ts';
import { isEmpty } from './given-destination.ts';
import { bytesOf } from './named-paths.ts';
import type { CheckedTrees, GivenRoot } from './preflight.ts';
import type { Copy } from './submit-run.ts';

/**
 * Refuses --delete where it would take what it must not: a source, when that lies in the destination, or the directory in
 * which the run is kept; and where there is nothing that it could mean, as beside a file.
 */
export function refuseDangerousDelete({ options, trees }: Pick<Copy, 'options' | 'trees'>): void {
  if (options.delete === undefined) return;
  if (trees.roots.every(({ isFile }) => isFile))
    throw refusal(options, 'it is for directories, and no source is one');
  for (const { path, identity } of placesOf(trees)) {
    const isInside = (directory: string) => liesIn(directory, identity);
    if (trees.roots.some((root) => isInside(directoryOfRoot(root))))
      throw refusal(options, `the source lies in the destination ${quoteName(path)} and would go itself`);
    if (isInside('.'))
      throw refusal(
        options,
        'the current directory lies in the destination, and the run is kept in it',
        'go to another directory',
      );
  }
}

type Place = {
  readonly path: string;
  readonly identity: { readonly device: bigint; readonly inode: bigint };
};

/** The directories in which something may go: the destination or, of several sources, what they have in it. */
function placesOf({ roots, destination }: CheckedTrees): Place[] {
  if (!destination.exists) return [];
  if (!hasVirtualTop(roots)) return [destination];
  return roots.flatMap(({ name, isFile }) => {
    const path = `${destination.path}/${name}`;
    const status = lstatSync(bytesOf(path), { bigint: true, throwIfNoEntry: false });
    if (isFile || status?.isDirectory() !== true) return [];
    return [{ path, identity: { device: status.dev, inode: status.ino } }];
  });
}

/** An empty source lets everything go: it may be one that is not mounted. */
export function refuseEmptySource(
  { options, trees, note }: Pick<Copy, 'options' | 'trees' | 'note'>,
  totals: Totals,
): void {
  if (options.delete === undefined) return;
  if (totals.unreadable > 0)
    note('not all of the source could be read: nothing will be removed at the destination');
  const limit = parseRemovalLimit(options.maxDelete)!;
  if (trees.destination.isNew || allowsAll(limit)) return;
  const hint = 'if that is meant, say --max-delete 100%';
  if (totals.entries <= 1)
    throw refusal(options, 'the source is empty, and all that is at the destination would go', hint);
  const empty = findEmptied(trees);
  if (empty === undefined) return;
  const { given, name } = empty;
  const why = `${quoteName(given)} is empty, and all that is in ${quoteName(name)} at the destination would go`;
  throw refusal(options, why, hint);
}

/** One of several sources that is empty though it has something at the destination. */
function findEmptied({ roots, destination }: CheckedTrees): GivenRoot | undefined {
  if (!hasVirtualTop(roots)) return undefined;
  return roots.find(
    ({ path, name, isFile }) =>
      !isFile && !holdsAnything(path) && holdsAnything(`${destination.path}/${name}`),
  );
}

/** False too of what is no directory, or cannot be read: nothing goes from there. */
function holdsAnything(path: string): boolean {
  try {
    return lstatSync(bytesOf(path)).isDirectory() && !isEmpty(bytesOf(path));
  } catch {
    return false;
  }
}

function refusal({ source, destination }: CopyOptions, why: string, hint?: string): BcopyError {
  const what = `cannot copy ${quoteNames(source)} to ${quoteName(destination)} with --delete`;
  return new BcopyError('usage', `${what}: ${why}`, hint === undefined ? {} : { hint });
}

function liesIn(directory: string, { device, inode }: { device: bigint; inode: bigint }): boolean {
  for (let path = Buffer.from(toBytes(directory)); ; path = Buffer.concat([path, Buffer.from('/..')])) {
    const status = statSync(path, { bigint: true });
    if (status.dev === device && status.ino === inode) return true;
    const above = lstatSync(Buffer.concat([path, Buffer.from('/..')]), { bigint: true });
    if (above.dev === status.dev && above.ino === status.ino) return false;
  }
}
