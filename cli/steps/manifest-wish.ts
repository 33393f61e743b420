import { lstatSync } from 'node:fs';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';
import type { ManifestWish } from '../../core/run/attempt-file.ts';
import type { CopyOptions } from '../options.ts';
import { newFileMode, placeBelow, placeOf } from './manifest-place.ts';
import type { Copy } from './submit-run.ts';

/**
 * What --manifest asks for; undefined where it is not given. Refuses a file in the source, in which nothing is written, and one
 * in the place of something that would be copied.
 */
export function manifestWishOf(
  { manifest, algorithm }: CopyOptions,
  { source, destination }: Copy['trees'],
  note: Copy['note'],
): ManifestWish | undefined {
  if (manifest === undefined) return undefined;
  const place = placeOf(manifest);
  const refuse = (why: string) => new BcopyError('usage', `cannot write ${quoteName(manifest)}: ${why}`);
  if (placeBelow(place, source.path) !== undefined) throw refuse('it lies in the source');
  const without = destination.exists ? placeBelow(place, destination.path) : undefined;
  if (without !== undefined && isThere(`${source.path}/${without}`))
    throw refuse('what the source has of this name is to be copied there');
  if (without !== undefined) note('the manifest lies in the destination, and is not in itself');
  return {
    algorithm,
    file: place.file,
    mode: newFileMode(),
    ...(without === undefined ? {} : { without }),
  };
}

function isThere(path: string): boolean {
  return lstatSync(Buffer.from(toBytes(path)), { throwIfNoEntry: false }) !== undefined;
}
