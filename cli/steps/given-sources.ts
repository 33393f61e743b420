import { constants, statSync } from 'node:fs';
import { BcopyError } from '../../core/model/errors.ts';
import { fromBytes, quoteName } from '../../core/model/names.ts';
import type { SourceRoot } from '../../core/model/source-root.ts';
import {
  bytesOf,
  type Found,
  find,
  isSame,
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
  for (const [i, one] of sources.entries())
    for (const other of sources.slice(i + 1)) {
      const why = findOverlap(one, other) ?? findOverlap(other, one);
      if (why !== undefined)
        throw new BcopyError(
          'usage',
          `cannot copy ${quoteName(one.given)} and ${quoteName(other.given)}: ${why}`,
        );
    }
}

function findOverlap(one: GivenSource, other: GivenSource): string | undefined {
  if (one.path.equals(other.path) || (one.isDirectory && isSame(one.status, other.status)))
    return `they are the same ${one.isDirectory ? 'directory' : 'file'}`;
  if (!one.isDirectory || findAbove(other, one) === undefined) return undefined;
  return `${quoteName(other.given)} lies inside ${quoteName(one.given)}`;
}

/** Goes up from something; when it meets the directory `wanted`, gives the name in it that leads down again. */
export function findAbove(from: Found, wanted: Found): Buffer | undefined {
  let { path, status } = from;
  let below: Buffer = Buffer.from('.');
  for (;;) {
    if (isSame(status, wanted.status)) return below;
    const { parent, name } = split(path);
    if (name.length === 0) return undefined;
    [path, below] = [parent, name];
    status = statSync(path, { bigint: true });
  }
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
