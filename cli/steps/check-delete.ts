import { lstatSync, statSync } from 'node:fs';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';
import type { Totals } from '../../core/model/plan.ts';
import { allowsAll, parseRemovalLimit } from '../../core/model/removal.ts';
import type { CopyOptions } from '../options.ts';
import type { Copy } from './submit-run.ts';

/**
 * Refuses --delete where it would take what it must not: the source, when that lies in the destination, or the directory in
 * which the run is kept.
 */
export function refuseDangerousDelete({ options, trees }: Pick<Copy, 'options' | 'trees'>): void {
  if (options.delete === undefined || !trees.destination.exists) return;
  const { path, identity } = trees.destination;
  const isInside = (directory: string) => liesIn(directory, identity);
  if (isInside(trees.source.path))
    throw refusal(options, `the source lies in the destination ${quoteName(path)} and would go itself`);
  if (isInside('.'))
    throw refusal(
      options,
      'the current directory lies in the destination, and the run is kept in it',
      'go to another directory',
    );
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
  if (totals.entries > 1 || trees.destination.isNew || allowsAll(limit)) return;
  throw refusal(
    options,
    'the source is empty, and all that is at the destination would go',
    'if that is meant, say --max-delete 100%',
  );
}

function refusal({ source, destination }: CopyOptions, why: string, hint?: string): BcopyError {
  const what = `cannot copy ${quoteName(source)} to ${quoteName(destination)} with --delete`;
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
