import { lstatSync } from 'node:fs';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';
import type { ManifestWish } from '../../core/run/attempt-wishes.ts';
import type { CopyOptions } from '../options.ts';
import { type ManifestPlace, newFileMode, placeBelow, placeOf } from './manifest-place.ts';
import type { GivenRoot } from './preflight.ts';
import type { Copy } from './submit-run.ts';

/**
 * What --manifest asks for; undefined where it is not given. Refuses a file in a source, in which nothing is written, and one
 * in the place of something that would be copied.
 */
export function manifestWishOf(
  { manifest, algorithm }: CopyOptions,
  { roots, destination }: Copy['trees'],
  note: Copy['note'],
): ManifestWish | undefined {
  if (manifest === undefined) return undefined;
  const place = placeOf(manifest);
  const refuse = (why: string) => new BcopyError('usage', `cannot write ${quoteName(manifest)}: ${why}`);
  if (roots.some((root) => isIn(place, root))) throw refuse('it lies in the source');
  const without = destination.exists ? placeBelow(place, destination.path) : undefined;
  if (without !== undefined && roots.some((root) => isTaken(without, root)))
    throw refuse('what the source has of this name is to be copied there');
  if (without !== undefined) note('the manifest lies in the destination, and is not in itself');
  return {
    algorithm,
    file: place.file,
    mode: newFileMode(),
    ...(without === undefined ? {} : { without }),
  };
}

function isIn(place: ManifestPlace, { path, isFile }: GivenRoot): boolean {
  return isFile === true ? place.file === path : placeBelow(place, path) !== undefined;
}

/** True when a source has something for that path of the destination. */
function isTaken(wanted: string, { name, path }: GivenRoot): boolean {
  if (name === '') return isThere(`${path}/${wanted}`);
  if (wanted === name) return true;
  return wanted.startsWith(`${name}/`) && isThere(`${path}/${wanted.slice(name.length + 1)}`);
}

function isThere(path: string): boolean {
  return lstatSync(Buffer.from(toBytes(path)), { throwIfNoEntry: false }) !== undefined;
}
