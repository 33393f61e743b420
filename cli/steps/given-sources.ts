import { constants } from 'node:fs';
import { BcopyError } from '../../core/model/errors.ts';
import { fromBytes, quoteName } from '../../core/model/names.ts';
import type { SourceRoot } from '../../core/model/source-root.ts';
import { aboveOf, identityOfStatus } from './ancestry.ts';
import {
  bytesOf,
  type Found,
  find,
  kindOf,
  look,
  refusal,
  split,
  statusOf,
  withoutTrailingSlashes,
} from './named-paths.ts';

/** One of the paths that are to be copied: a directory, or a file. Symlinks stand for what they lead to. */
export type GivenSource = Found & { readonly given: string; readonly isDirectory: boolean };

/** Looks at a path that is to be copied. */
export function readSource(given: string): GivenSource {
  const refuse = refusal('sourceUnreadable', `cannot read the source ${quoteName(given)}`);
  const path = bytesOf(given);
  const isDirectory = look(() => statusOf(path), refuse)?.isDirectory() === true;
  const found = find(path, isDirectory ? constants.R_OK | constants.X_OK : constants.R_OK, refuse);
  if (!isDirectory && !found.status.isFile())
    throw refuse(`it is ${kindOf(found.status)}, neither a directory nor a file`);
  return { ...found, given, isDirectory };
}

/** Refuses the same thing twice, and what would be copied with another. */
export function refuseOverlaps(sources: readonly GivenSource[]): void {
  const known = new Map<string, GivenSource>();
  for (const source of sources) {
    const same = known.get(keyOf(source));
    if (same !== undefined)
      throw overlap(same, source, `they are the same ${source.isDirectory ? 'directory' : 'file'}`);
    known.set(keyOf(source), source);
  }
  if (sources.length === 1) return;
  for (const source of sources)
    for (const { identity } of aboveOf(source)) {
      const above = known.get(identity);
      if (above !== undefined && above !== source)
        throw overlap(above, source, `${quoteName(source.given)} lies inside ${quoteName(above.given)}`);
    }
}

/** Names of one file are entries of their own. */
function keyOf({ isDirectory, status, path }: GivenSource): string {
  return isDirectory ? identityOfStatus(status) : fromBytes(path);
}

function overlap(one: GivenSource, other: GivenSource, why: string): BcopyError {
  const pair = `${quoteName(one.given)} and ${quoteName(other.given)}`;
  return new BcopyError('usage', `cannot copy ${pair}: ${why}`);
}

/** The name that a source gets at the destination: the last of the path as it was typed, if that is a name. */
export function nameOf({ given, path }: GivenSource): string {
  const { name: typed } = split(withoutTrailingSlashes(bytesOf(given)));
  const name = ['', '.', '..'].includes(fromBytes(typed)) ? split(path).name : typed;
  if (name.length > 0) return fromBytes(name);
  throw new BcopyError('usage', `cannot copy ${quoteName(given)} beside others: it has no name`);
}

/** What is at the destination under a name comes of one source only. */
export function refuseEqualNames(roots: readonly (SourceRoot & { readonly given: string })[]): void {
  const names = new Map<string, string>();
  for (const { name, given } of roots) {
    const other = names.get(name);
    if (other !== undefined)
      throw new BcopyError(
        'usage',
        `cannot copy ${quoteName(other)} and ${quoteName(given)}: both would be called ${quoteName(name)} at the destination`,
      );
    names.set(name, given);
  }
}
