import type { Difference } from '../../model/difference.ts';
import type { KeepWord } from '../../model/fidelity.ts';
import { quoteName } from '../../model/names.ts';
import {
  type AttributePlace,
  accessAcl,
  defaultAcl,
  listAttributes,
  readAttribute,
} from './extended-attributes.ts';

export type AttributedPlace = { readonly place: AttributePlace; readonly device: number };
type Found = Pick<Difference, 'kind' | 'detail'>;

/** The extended attributes and ACLs in which two places differ, of those that a copy would keep. Throws a SystemError. */
export function compareAttributes(
  source: AttributedPlace,
  destination: AttributedPlace,
  keep: readonly KeepWord[],
): Found[] {
  const [wanted, there] = [namesAt(source, keep), namesAt(destination, keep)];
  if (wanted.length === 0 && there.length === 0) return [];
  const found: Found[] = [];
  for (const name of [...new Set([...wanted, ...there])].sort()) {
    const why = whyDifferent(name, source, destination);
    if (why !== undefined) found.push(sayOf(name, why));
  }
  return found;
}

function namesAt({ place, device }: AttributedPlace, keep: readonly KeepWord[]): string[] {
  return listAttributes(place, device).filter((name) => keep.includes(isAcl(name) ? 'acl' : 'xattr'));
}

function isAcl(name: string): boolean {
  return name === accessAcl || name === defaultAcl;
}

function whyDifferent(
  name: string,
  source: AttributedPlace,
  destination: AttributedPlace,
): string | undefined {
  const [wanted, there] = [readAttribute(source.place, name), readAttribute(destination.place, name)];
  if (wanted === there) return undefined;
  if (wanted === 'closed' || there === 'closed') return 'cannot be read';
  if (wanted === 'missing') return 'only at the destination';
  if (there === 'missing') return 'only in the source';
  return Buffer.compare(wanted, there) === 0 ? undefined : 'another value';
}

function sayOf(name: string, why: string): Found {
  if (name === accessAcl) return { kind: 'acl', detail: why };
  if (name === defaultAcl) return { kind: 'acl', detail: `default: ${why}` };
  return { kind: 'xattr', detail: `${quoteName(name)}: ${why}` };
}
