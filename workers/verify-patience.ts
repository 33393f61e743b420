import { classOf } from '../core/model/errno.ts';
import type { DiffersLine } from '../core/run/journal-lines.ts';
import type { PlacedEntry } from '../core/run/tape-reader.ts';
import { type Patience, tryAgain } from './retry.ts';
import { type ComparedContent, compareContent } from './verify-content.ts';
import { type ComparedEntries, compareEntries, type EntriesParts } from './verify-entries.ts';

/** Compares entries; those that could not be read for a passing cause again, as long as there is patience. */
export async function comparePatiently(
  entries: readonly PlacedEntry[],
  parts: EntriesParts,
  patience: Patience,
): Promise<ComparedEntries> {
  let result = await compareEntries(entries, parts);
  const again = async () => {
    const ordinals = new Set(result.differs.filter(isPassing).map(({ ordinal }) => ordinal));
    const compared = await compareEntries(
      entries.filter(({ ordinal }) => ordinals.has(ordinal)),
      parts,
    );
    result = merge(result, compared, ordinals);
    return result;
  };
  return tryAgain(result, again, ({ differs }) => !differs.some(isPassing), patience);
}

/** The same of a range of a file. */
export async function compareContentPatiently(
  ...[placed, range, parts, patience]: [...Parameters<typeof compareContent>, Patience]
): Promise<ComparedContent> {
  const compare = () => compareContent(placed, range, parts);
  return tryAgain(await compare(), compare, ({ differs }) => !differs.some(isPassing), patience);
}

function merge(
  earlier: ComparedEntries,
  later: ComparedEntries,
  ordinals: ReadonlySet<number | undefined>,
): ComparedEntries {
  const names = new Map([...earlier.names, ...later.names]);
  return {
    differs: [...earlier.differs.filter(({ ordinal }) => !ordinals.has(ordinal)), ...later.differs],
    names: [...names],
    bytes: earlier.bytes,
    hashed: earlier.hashed + later.hashed,
    otherwise: earlier.otherwise + later.otherwise,
  };
}

/** True of what could not be read, and may be read later. */
export function isPassing({ kind, detail }: DiffersLine): boolean {
  return kind === 'unreadable' && classOf(detail.slice(detail.lastIndexOf(' ') + 1)) === 'transient';
}
