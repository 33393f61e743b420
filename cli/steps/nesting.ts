import { lstatSync } from 'node:fs';
import { BcopyError } from '../../core/model/errors.ts';
import { fromBytes, quoteName } from '../../core/model/names.ts';
import { type GivenDestination, whatIsAt } from './given-destination.ts';
import { findAbove, type GivenSource } from './given-sources.ts';
import { type Found, isSame, join } from './named-paths.ts';

/** A source with the name that it gets in the destination; empty: its content goes there. */
export type NamedSource = GivenSource & { readonly name: string };

/** Refuses what would copy a source into itself, or write over one. */
export function refuseNesting(
  sources: readonly NamedSource[],
  { directory, name }: GivenDestination,
  given: string,
): void {
  for (const source of sources) {
    const pair = `${quoteName(source.given)} to ${quoteName(given)}`;
    const refuse = (why: string, hint?: string) =>
      new BcopyError('usage', `cannot copy ${pair}: ${why}`, hint === undefined ? {} : { hint });
    const target = name === undefined ? targetOf(source, directory) : undefined;
    if (target !== undefined && isSameEntry(source, target))
      throw refuse(`they are the same ${source.isDirectory ? 'directory' : 'file'}`);
    if (source.isDirectory && findAbove(directory, source) !== undefined)
      throw refuse('the destination lies inside the source');
    const over = target?.status.isDirectory() ? findOverwritten(source, target, sources) : undefined;
    if (over !== undefined)
      throw refuse(
        `the copy of ${quoteName(fromBytes(over))} would be written over ${sources.length === 1 ? 'the source' : 'a source'}`,
        'choose a destination that does not hold the source',
      );
  }
}

function targetOf({ name }: NamedSource, directory: Found): Found | undefined {
  return name === '' ? directory : whatIsAt(directory, name);
}

/** A file is one with its target only under the same name: another name of it is replaced, and harms nothing. */
function isSameEntry(source: NamedSource, target: Found): boolean {
  return source.isDirectory ? isSame(source.status, target.status) : source.path.equals(target.path);
}

/** The name in a source of which the copy would come to be where a source is. */
function findOverwritten(
  { isDirectory, path }: NamedSource,
  target: Found,
  sources: readonly NamedSource[],
): Buffer | undefined {
  if (!isDirectory) return undefined;
  for (const other of sources) {
    const below = findAbove(other, target);
    if (below !== undefined && lstatSync(join(path, below), { throwIfNoEntry: false }) !== undefined)
      return below;
  }
  return undefined;
}
