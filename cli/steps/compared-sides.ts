import { statSync } from 'node:fs';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';
import type { Tell } from './compare-trees.ts';
import { isSavedList } from './saved-list.ts';
import { verifyManifest } from './verify-manifest.ts';

/** What a tree is compared with: by a file that bcopy has saved, or by a manifest. */
export type ComparedSide<Kind = 'tree' | 'list' | 'manifest'> = {
  readonly path: string;
  readonly kind: Kind;
};

/** What the user has named: any file is a list or a manifest, all else is taken for a directory. */
export function sideOf(path: string): ComparedSide<'tree' | 'list'> | ComparedSide<'manifest'> {
  const isFile = statSync(Buffer.from(toBytes(path)), { throwIfNoEntry: false })?.isFile() === true;
  if (!isFile) return { path, kind: 'tree' };
  return isSavedList(path) ? { path, kind: 'list' } : { path, kind: 'manifest' };
}

/** By the files that a manifest names, both ways; the tree may come first. */
export async function compareWithManifest(
  source: ComparedSide,
  destination: ComparedSide,
  threads: number | undefined,
  tell: Tell,
  signal: AbortSignal,
): Promise<{ files: number; bytes: number }> {
  const [one, other] = source.kind === 'manifest' ? [source, destination] : [destination, source];
  if (other.kind !== 'tree')
    throw new BcopyError(
      'usage',
      `cannot compare ${quoteName(one.path)} with ${quoteName(other.path)}: a manifest is compared with a directory`,
    );
  const swapped = new Map([
    ['missing', 'extra'],
    ['extra', 'missing'],
  ] as const);
  const isSwapped = source.kind === 'tree';
  const request = { manifest: one.path, directory: other.path, algorithm: undefined, strict: true, threads };
  return verifyManifest(
    request,
    (difference) => {
      const { kind } = difference;
      const isOther = isSwapped && (kind === 'missing' || kind === 'extra');
      return tell(isOther ? { ...difference, kind: swapped.get(kind)! } : difference);
    },
    signal,
  );
}
