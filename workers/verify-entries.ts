import type { Difference } from '../core/model/difference.ts';
import { bytesOf } from '../core/model/entry.ts';
import type { KeepWord } from '../core/model/fidelity.ts';
import type { DiffersLine } from '../core/run/journal-lines.ts';
import type { PlacedEntry, TapeReader } from '../core/run/tape-reader.ts';
import { sayContent } from '../core/storage/posix/compare-entries.ts';
import type {
  EntriesAnswer,
  EntriesJob,
  InodeOfMany,
  LinksAnswer,
  NamedTwice,
  RangeAnswer,
} from '../core/storage/posix/compare-jobs.ts';
import type { Comparers } from './comparison.ts';

/** What of a large file is compared at once. */
export const rangeBytes = 128 * 1024 * 1024;

/** What some entries differ in. */
export type ComparedEntries = {
  readonly differs: readonly DiffersLine[];
  /** Files that have several names at the destination, with their inodes there. */
  readonly names: readonly [ordinal: number, inode: string][];
  /** Of content. */
  readonly bytes: number;
};

export type EntriesParts = {
  readonly comparers: Comparers;
  readonly tape: TapeReader;
  readonly keep: readonly KeepWord[];
};

/** Compares entries of the tape, whose content is read whole, with what the destination has of their names. */
export async function compareEntries(
  entries: readonly PlacedEntry[],
  { comparers, tape, keep }: EntriesParts,
): Promise<ComparedEntries> {
  const wrong = new Set<number>();
  const isLinks = keep.includes('links');
  const right = isLinks ? await rightLinks(entries, comparers, tape, wrong) : new Set<number>();
  const others = entries.filter(({ ordinal }) => !right.has(ordinal));
  const answer = await lookAt(others, comparers);
  const contents = await Promise.all(
    answer.contents.map(({ index, bytes }) => compareContent(others[index]!, bytes, comparers)),
  );
  const links = answer.linked.flatMap(({ index, destination }) =>
    wrong.has(others[index]!.ordinal) ? [differenceOf(others[index]!, sayLink(destination))] : [],
  );
  const found = answer.findings.map(({ index, ...one }) => differenceOf(others[index]!, one));
  const bytes = answer.contents.reduce((sum, one) => sum + one.bytes, answer.bytes);
  return {
    differs: [...found, ...links, ...contents.flat()],
    names: isLinks ? namesIn(others, answer) : [],
    bytes,
  };
}

/** Metadata of all, and the content of small files. */
export async function lookAt(entries: readonly PlacedEntry[], comparers: Comparers): Promise<EntriesAnswer> {
  const groups: { directory: string; names: string[] }[] = [];
  for (const placed of entries) {
    const { directory, name } = placeOf(placed);
    const last = groups.at(-1);
    if (last?.directory === directory) last.names.push(name);
    else groups.push({ directory, names: [name] });
  }
  const job: EntriesJob = { kind: 'entries', groups };
  return comparers.run<EntriesAnswer>(job);
}

/** Further names that are names of the same file in both trees need no other look; `wrong` gets those that are of another at the destination. */
async function rightLinks(
  entries: readonly PlacedEntry[],
  comparers: Comparers,
  tape: TapeReader,
  wrong: Set<number>,
): Promise<Set<number>> {
  const asked: { readonly ordinal: number; readonly link: NamedTwice }[] = [];
  for (const placed of entries) {
    if (placed.entry.kind !== 'link') continue;
    const first = placeOf(tape.at(placed.entry.first));
    const link = { ...placeOf(placed), firstDirectory: first.directory, firstName: first.name };
    asked.push({ ordinal: placed.ordinal, link });
  }
  const right = new Set<number>();
  if (asked.length === 0) return right;
  const { links } = await comparers.run<LinksAnswer>({ kind: 'links', links: asked.map(({ link }) => link) });
  for (const [i, { ordinal }] of asked.entries()) {
    if (links[i] === 'right') right.add(ordinal);
    if (links[i] === 'wrong') wrong.add(ordinal);
  }
  return right;
}

async function compareContent(
  placed: PlacedEntry,
  bytes: number,
  comparers: Comparers,
): Promise<DiffersLine[]> {
  const starts = Array.from({ length: Math.ceil(bytes / rangeBytes) }, (_, i) => i * rangeBytes);
  const ranges = starts.map((from) =>
    compareRange(placed, from, Math.min(from + rangeBytes, bytes), comparers),
  );
  return (await Promise.all(ranges)).find((lines) => lines.length > 0) ?? [];
}

/** Nothing, or what the range differs in. */
export async function compareRange(
  placed: PlacedEntry,
  from: number,
  to: number,
  comparers: Comparers,
): Promise<DiffersLine[]> {
  const { at, unreadable } = await comparers.run<RangeAnswer>({
    kind: 'range',
    ...placeOf(placed),
    from,
    to,
  });
  if (unreadable !== undefined) return [differenceOf(placed, { kind: 'unreadable', detail: unreadable })];
  return at < 0 ? [] : [differenceOf(placed, { kind: 'content', detail: sayContent(at) })];
}

/** As a comparer takes it: the root is `.` in `''`. */
function placeOf({ entry, directoryPath }: PlacedEntry): { directory: string; name: string } {
  if (entry.kind !== 'directory') return { directory: directoryPath, name: entry.name };
  const slash = entry.path.lastIndexOf('/');
  return { directory: entry.path.slice(0, Math.max(0, slash)), name: entry.path.slice(slash + 1) || '.' };
}

export function differenceOf(
  { ordinal, entry, path }: PlacedEntry,
  { kind, detail }: Pick<Difference, 'kind' | 'detail'>,
): DiffersLine {
  return { type: 'differs', ordinal, entry: entry.kind, bytes: bytesOf(entry), path, kind, detail };
}

function sayLink({ names }: InodeOfMany): Pick<Difference, 'kind' | 'detail'> {
  const detail =
    names > 1
      ? 'a further name of another file than in the source'
      : 'a file of its own, but a further name in the source';
  return { kind: 'hard-links', detail };
}

/** Of further names their first ones are enough. */
export function namesIn(
  entries: readonly PlacedEntry[],
  { linked }: EntriesAnswer,
): [ordinal: number, inode: string][] {
  return linked
    .filter(({ index, destination }) => destination.names > 1 && entries[index]!.entry.kind !== 'link')
    .map(({ index, destination }) => [entries[index]!.ordinal, inodeText(destination)]);
}

function inodeText({ low, high }: InodeOfMany): string {
  return String((BigInt(high) << 32n) | BigInt(low));
}
