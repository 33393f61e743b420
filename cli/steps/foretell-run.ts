import type { PlacedEntry } from '../../core/run/tape-reader.ts';
import type { EntryToForetell } from '../../core/storage/posix/foreteller.ts';

/** An entry of the tape as it is foretold; `at` finds the first names of further ones. */
export function entryToForetell(
  { entry, directoryPath: directory }: PlacedEntry,
  at: (ordinal: number) => PlacedEntry,
): EntryToForetell {
  const { kind } = entry;
  if (kind === 'directory') return { kind, directory, name: '' };
  if (kind === 'unreadable') return { kind, directory, name: entry.name, errno: entry.errno };
  if (kind !== 'link') return { kind, directory, name: entry.name };
  return { kind, directory, name: entry.name, first: entryToForetell(at(entry.first), at) };
}
