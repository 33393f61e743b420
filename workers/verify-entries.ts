import type { Difference } from '../core/model/difference.ts';
import type { KeepWord } from '../core/model/fidelity.ts';
import type { SourceDigest } from '../core/model/source-digest.ts';
import type { DiffersLine } from '../core/run/journal-lines.ts';
import type { PlacedEntry, TapeReader } from '../core/run/tape-reader.ts';
import type {
  EntriesAnswer,
  EntriesJob,
  InodeOfMany,
  LinksAnswer,
  NamedTwice,
} from '../core/storage/posix/compare-jobs.ts';
import type { Comparers } from './comparison.ts';
import type { KnownDigests } from './known-digests.ts';
import { compareContent, differenceOf, placeOf } from './verify-content.ts';

/** What some entries differ in. */
export type ComparedEntries = {
  readonly differs: readonly DiffersLine[];
  /** Files that have several names at the destination, with their inodes there. */
  readonly names: readonly [ordinal: number, inode: string][];
  /** Of content. */
  readonly bytes: number;
  /** What of that was compared with digests: the destination alone was read. */
  readonly hashed: number;
  /** How many files were read otherwise when they were copied, and are now the same on both sides. */
  readonly otherwise: number;
};

export type EntriesParts = {
  readonly comparers: Comparers;
  /** Undefined: both sides of everything are read. */
  readonly known?: KnownDigests | undefined;
  readonly tape: TapeReader;
  readonly keep: readonly KeepWord[];
};

/** Compares entries of the tape, whose content is read whole, with what the destination has of their names. */
export async function compareEntries(
  entries: readonly PlacedEntry[],
  { comparers, known, tape, keep }: EntriesParts,
): Promise<ComparedEntries> {
  const wrong = new Set<number>();
  const isLinks = keep.includes('links');
  const right = isLinks ? await rightLinks(entries, comparers, tape, wrong) : new Set<number>();
  const others = entries.filter(({ ordinal }) => !right.has(ordinal));
  const answer = await lookAt(others, comparers, known);
  const contents = await Promise.all(
    answer.contents.map(({ index, bytes: to }) =>
      compareContent(others[index]!, { from: 0, to }, { comparers, known }),
    ),
  );
  const links = answer.linked.flatMap(({ index, destination }) =>
    wrong.has(others[index]!.ordinal) ? [differenceOf(others[index]!, sayLink(destination))] : [],
  );
  const found = answer.findings.map(({ index, ...one }) => differenceOf(others[index]!, one));
  const bytes = answer.contents.reduce((sum, one) => sum + one.bytes, answer.bytes);
  return {
    differs: [...found, ...links, ...contents.flatMap(({ differs }) => differs)],
    names: isLinks ? namesIn(others, answer) : [],
    bytes,
    hashed: contents.reduce((sum, one) => sum + one.hashed, answer.hashed),
    otherwise: answer.otherwise + contents.filter(({ isOtherwise }) => isOtherwise).length,
  };
}

/** Metadata of all, and the content of small files. */
export async function lookAt(
  entries: readonly PlacedEntry[],
  comparers: Comparers,
  known?: KnownDigests,
): Promise<EntriesAnswer> {
  const groups: { directory: string; names: string[] }[] = [];
  for (const placed of entries) {
    const { directory, name } = placeOf(placed);
    const last = groups.at(-1);
    if (last?.directory === directory) last.names.push(name);
    else groups.push({ directory, names: [name] });
  }
  const job: EntriesJob = { kind: 'entries', groups };
  return comparers.run<EntriesAnswer>(
    known === undefined ? job : { ...job, digests: digestsOf(entries, known) },
  );
}

function digestsOf(entries: readonly PlacedEntry[], known: KnownDigests): Map<number, SourceDigest> {
  const digests = new Map<number, SourceDigest>();
  for (const [index, { ordinal, entry }] of entries.entries()) {
    const digest = entry.kind === 'file' ? known.of(ordinal) : undefined;
    if (digest !== undefined) digests.set(index, digest);
  }
  return digests;
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
