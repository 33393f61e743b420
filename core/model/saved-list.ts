import { type Algorithm, algorithms } from './algorithm.ts';
import { type Difference, differenceKinds, type ProofWord } from './difference.ts';
import type { KeepWord } from './fidelity.ts';
import { quoteName } from './names.ts';

export const savedTypes = [
  'file',
  'directory',
  'symlink',
  'FIFO',
  'socket',
  'character device',
  'block device',
] as const;

/** An entry as a saved list has it, also of a tree that is compared with one. */
export type SavedEntry = {
  /** Below the tree, as text that stands for bytes; `''` is the tree itself. */
  readonly path: string;
  readonly type: (typeof savedTypes)[number];
  /** Of a file. */
  readonly size?: number;
  /** Seconds since 1970 and nine digits after them. */
  readonly mtime: string;
  /** Four octal digits; a symlink has none. */
  readonly mode?: string;
  readonly uid: number;
  readonly gid: number;
  /** Of a symlink. */
  readonly target?: string;
  /** Of a device. */
  readonly device?: number;
  /** Of a file, where the first line says that there are digests. */
  readonly digest?: string;
};

/** What the content of files is hashed by. */
export const savedAlgorithm = 'xxh3' satisfies Algorithm;

/** The first line of a list. */
export type SavedHeader = {
  readonly type: 'list';
  readonly format: 1;
  readonly digest?: typeof savedAlgorithm | undefined;
};

/** Why a line cannot be used is text. */
export type Understood<T> = T | string;

export function parseHeader(line: string): Understood<SavedHeader> {
  const value = parse(line);
  if (value?.type !== 'list') return 'it is not the beginning of a list that bcopy has saved';
  if (value.format !== 1) return `format ${String(value.format)} is none that this bcopy knows`;
  const { digest } = value;
  if (digest === undefined) return { type: 'list', format: 1 };
  if (digest === savedAlgorithm) return { type: 'list', format: 1, digest };
  return `there is no algorithm ${String(digest)} here`;
}

/** An entry, or how many there are in all, which is the last line. */
export function parseLine(
  line: string,
  { digest: algorithm }: SavedHeader,
): Understood<SavedEntry | { readonly entries: number }> {
  const value = parse(line);
  if (value === undefined) return 'it is no line of a list';
  if (value.type === 'end') return isCount(value.entries) ? { entries: value.entries } : 'it has no number';
  const { path, digest } = value;
  if (typeof path !== 'string') return 'it has no path';
  if (path.startsWith('/')) return 'its path is absolute';
  const names = path.split('/');
  if (names.includes('..')) return 'its path leads out of the tree, by ..';
  if ((path !== '' && names.includes('')) || names.includes('.') || path.includes('\0'))
    return 'its path is none below a tree';
  const wrong = wrongIn(value);
  if (wrong !== undefined) return `it has no usable ${wrong}`;
  const hasDigest = digest === undefined || (algorithm !== undefined && isDigest(digest, algorithm));
  return hasDigest ? (value as unknown as SavedEntry) : 'its digest is none of the list';
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The first key whose value is none. */
function wrongIn(value: Record<string, unknown>): string | undefined {
  const { type } = value;
  const isMatching = (pattern: RegExp) => (text: unknown) => typeof text === 'string' && pattern.test(text);
  const rules: [string, (found: unknown) => boolean][] = [
    ['type', (found) => savedTypes.some((known) => known === found)],
    ['mtime', isMatching(/^-?\d{1,18}\.\d{9}$/)],
    ['uid', isCount],
    ['gid', isCount],
    ...(type === 'file' ? ([['size', isCount]] as [string, typeof isCount][]) : []),
    type === 'symlink'
      ? ['target', (found) => typeof found === 'string']
      : ['mode', isMatching(/^[0-7]{4}$/)],
  ];
  return rules.find(([key, isUsable]) => !isUsable(value[key]))?.[0];
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isDigest(value: unknown, algorithm: Algorithm): boolean {
  return (
    typeof value === 'string' && /^[0-9a-f]+$/.test(value) && value.length === algorithms[algorithm].digits
  );
}

export type SavedComparison = {
  readonly by: ProofWord;
  readonly keep: readonly KeepWord[];
  /** Seconds by which mtimes may differ. */
  readonly modifyWindow: number;
};

type Found = Pick<Difference, 'kind' | 'detail'>;

/**
 * In what two entries of one path differ; contents by their digests where both have one. Files that cannot be compared by their
 * contents are compared by size and mtime.
 */
export function compareSaved(source: SavedEntry, destination: SavedEntry, how: SavedComparison): Found[] {
  const { keep } = how;
  const found: Found[] = [];
  const say = (kind: Found['kind'], was: unknown, is: unknown) =>
    void (was === is || found.push({ kind, detail: `${was}, ${is} at the destination` }));
  say('type', source.type, destination.type);
  if (found.length > 0) return found;
  if (source.size !== destination.size) say('size', `${source.size} bytes`, destination.size ?? 'none');
  else if (
    how.by === 'checksum' &&
    hasBothDigests(source, destination) &&
    source.digest !== destination.digest
  )
    found.push({ kind: 'content', detail: 'another digest' });
  if (source.target !== destination.target)
    say('link-target', quoteName(source.target ?? ''), quoteName(destination.target ?? ''));
  if (source.device !== destination.device)
    say('type', `device ${source.device}`, `device ${destination.device}`);
  if (keep.includes('mode')) say('mode', source.mode, destination.mode);
  if (keep.includes('owner'))
    say('owner', `${source.uid}:${source.gid}`, `${destination.uid}:${destination.gid}`);
  if (mindsTime(source, destination, how) && !isWithin(source.mtime, destination.mtime, how.modifyWindow))
    say('mtime', source.mtime, destination.mtime);
  return found.sort((one, other) => differenceKinds.indexOf(one.kind) - differenceKinds.indexOf(other.kind));
}

function hasBothDigests(source: SavedEntry, destination: SavedEntry): boolean {
  return source.digest !== undefined && destination.digest !== undefined;
}

function mindsTime(source: SavedEntry, destination: SavedEntry, { keep, by }: SavedComparison): boolean {
  if (keep.includes('times')) return true;
  if (source.type !== 'file' || by === 'size') return false;
  return by === 'mtime' || !hasBothDigests(source, destination);
}

function isWithin(one: string, other: string, seconds: number): boolean {
  const apart = nanoseconds(one) - nanoseconds(other);
  return (apart < 0n ? -apart : apart) <= BigInt(seconds) * 1_000_000_000n;
}

/** Before 1970 the digits after the point count on too. */
function nanoseconds(mtime: string): bigint {
  const [seconds = '0', fraction = '0'] = mtime.split('.');
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction);
}
