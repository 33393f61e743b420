import { lstatSync } from 'node:fs';
import { BcopyError } from '../../core/model/errors.ts';
import { fromBytes, quoteName } from '../../core/model/names.ts';
import { aboveOf, identityOfStatus } from './ancestry.ts';
import { type GivenDestination, whatIsAt } from './given-destination.ts';
import type { GivenSource } from './given-sources.ts';
import { type Found, isSame, join } from './named-paths.ts';

/** A source with the name that it gets in the destination; empty: its content goes there. */
export type NamedSource = GivenSource & { readonly name: string };

/** Refuses what would copy a source into itself, or write over one. */
export function refuseNesting(
  sources: readonly NamedSource[],
  { directory, name }: GivenDestination,
  given: string,
): void {
  const aboveDestination = new Set(aboveOf(directory).map(({ identity }) => identity));
  /** Sources by the directories that are there already and that they would be copied into. */
  const targets = new Map<string, NamedSource>();
  for (const source of sources) {
    const target = name === undefined ? targetOf(source, directory) : undefined;
    if (target !== undefined && isSameEntry(source, target))
      throw refusal(source, given, `they are the same ${source.isDirectory ? 'directory' : 'file'}`);
    if (source.isDirectory && aboveDestination.has(identityOfStatus(source.status)))
      throw refusal(source, given, 'the destination lies inside the source');
    if (source.isDirectory && target?.status.isDirectory())
      targets.set(identityOfStatus(target.status), source);
  }
  for (const source of sources) refuseOverwritten(source, targets, given);
}

function refusal(source: NamedSource, given: string, why: string, hint?: string): BcopyError {
  const pair = `${quoteName(source.given)} to ${quoteName(given)}`;
  return new BcopyError('usage', `cannot copy ${pair}: ${why}`, hint === undefined ? {} : { hint });
}

function targetOf({ name }: NamedSource, directory: Found): Found | undefined {
  return name === '' ? directory : whatIsAt(directory, name);
}

/** A file is one with its target only under the same name: another name of it is replaced, and harms nothing. */
function isSameEntry(source: NamedSource, target: Found): boolean {
  return source.isDirectory ? isSame(source.status, target.status) : source.path.equals(target.path);
}

/** Refuses where a source lies in a target, and what is copied there has a name that leads to it. */
function refuseOverwritten(
  source: NamedSource,
  targets: ReadonlyMap<string, NamedSource>,
  given: string,
): void {
  if (targets.size === 0) return;
  for (const { identity, below } of aboveOf(source)) {
    const copied = targets.get(identity);
    if (copied === undefined) continue;
    if (lstatSync(join(copied.path, below), { throwIfNoEntry: false }) === undefined) continue;
    const over = copied === source ? 'the source' : `the source ${quoteName(source.given)}`;
    throw refusal(
      copied,
      given,
      `the copy of ${quoteName(fromBytes(below))} would be written over ${over}`,
      'choose a destination that does not hold the source',
    );
  }
}
