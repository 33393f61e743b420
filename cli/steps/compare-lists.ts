import { comparePaths } from '../../core/model/byte-order.ts';
import type { Difference } from '../../core/model/difference.ts';
import { compareSaved, type SavedComparison, type SavedEntry } from '../../core/model/saved-list.ts';
import type { Compared } from '../../core/storage/posix/compare-trees.ts';
import type { Identity } from '../../core/storage/posix/entry-rules.ts';
import { close } from '../../core/storage/posix/libc.ts';
import { putOnDisk } from '../../core/storage/posix/open-tree.ts';
import { SavedWalk, type WalkedSaved } from '../../core/storage/posix/saved-walk.ts';
import { identityOf } from '../../core/storage/posix/scan.ts';
import type { HowToCompare, Tell } from './compare-trees.ts';
import { openNamedTree } from './open-tree.ts';
import { listedBelow, withDigests } from './save-list.ts';
import { SavedListReader } from './saved-list.ts';

/** A directory, or a list of one that was saved. */
export type ListedSide = { readonly path: string; readonly kind: 'tree' | 'list' };

type OpenSide = {
  readonly root: number | undefined;
  readonly entries: () => Iterable<WalkedSaved>;
  readonly hasDigests: boolean;
  readonly close: () => void;
};

type Pair = {
  readonly path: string;
  readonly source?: SavedEntry;
  readonly destination?: SavedEntry;
  readonly unreadable?: string;
};

/** Compares a saved list with a tree, or with another list, by walking both at once. Returns what was compared. */
export async function compareLists(
  sides: { readonly source: ListedSide; readonly destination: ListedSide },
  how: HowToCompare,
  tell: Tell,
  signal: AbortSignal,
): Promise<Compared> {
  const lists = [sides.source, sides.destination].filter(({ kind }) => kind === 'list');
  const passOver = lists.map(({ path }) => identityOf(path)).filter((found) => found !== undefined);
  const source = openSide(sides.source, 'source', passOver);
  const destination = openSide(sides.destination, 'destination', passOver);
  const root = source.root ?? destination.root;
  const hasDigests = source.hasDigests || destination.hasDigests;
  const isHashed = how.by === 'checksum' && hasDigests && root !== undefined;
  if (isHashed && root === destination.root) await putOnDisk(root);
  const hashing = isHashed ? { root, threads: how.threads, isFresh: root === destination.root } : undefined;
  const compared = { entries: 0, bytes: 0 };
  for await (const { item, hashed } of withDigests(
    pairsOf(source, destination),
    fileToHash,
    hashing,
    signal,
  )) {
    signal.throwIfAborted();
    compared.entries++;
    if (hashed?.kind === 'digest') compared.bytes += hashed.bytes;
    if (hashed?.kind === 'unreadable')
      await tell({ kind: 'unreadable', path: item.path, detail: hashed.why });
    const digest = hashed?.kind === 'digest' ? hashed.digest : undefined;
    for (const difference of differencesOf(withDigest(item, digest), how)) await tell(difference);
  }
  source.close();
  destination.close();
  return compared;
}

function openSide(
  { path, kind }: ListedSide,
  side: 'source' | 'destination',
  passOver: Identity[],
): OpenSide {
  if (kind === 'list') {
    const reader = new SavedListReader(path);
    const hasDigests = reader.header.digest !== undefined;
    return { root: undefined, entries: () => reader.entries(), hasDigests, close: () => reader.close() };
  }
  const root = openNamedTree(path, side);
  const walk = new SavedWalk(listedBelow(root, passOver));
  return { root, entries: () => walk.entries(), hasDigests: false, close: () => close(root) };
}

/** Merges two walks of one order. Below a directory that cannot be read nothing is known, and nothing is told. */
function* pairsOf(source: OpenSide, destination: OpenSide): Generator<Pair> {
  const walks = [source.entries()[Symbol.iterator](), destination.entries()[Symbol.iterator]()] as const;
  const next = (walk: Iterator<WalkedSaved>) => walk.next().value as WalkedSaved | undefined;
  let [from, to] = [next(walks[0]), next(walks[1])];
  let closed: string | undefined;
  while (from !== undefined || to !== undefined) {
    const order = from && to ? comparePaths(from.path, to.path) : from ? -1 : 1;
    const [one, other] = [order <= 0 ? from : undefined, order >= 0 ? to : undefined];
    if (one !== undefined) from = next(walks[0]);
    if (other !== undefined) to = next(walks[1]);
    const { path } = (one ?? other)!;
    const unreadable = whyUnreadable(one) ?? whyUnreadable(other);
    if (unreadable !== undefined) closed = path;
    if (unreadable !== undefined) yield { path, unreadable };
    else if (!isBelow(path, closed))
      yield {
        path,
        ...(one === undefined ? {} : { source: one as SavedEntry }),
        ...(other === undefined ? {} : { destination: other as SavedEntry }),
      };
  }
}

function whyUnreadable(walked: WalkedSaved | undefined): string | undefined {
  return walked !== undefined && 'unreadable' in walked ? walked.unreadable : undefined;
}

function isBelow(path: string, directory: string | undefined): boolean {
  return directory !== undefined && (directory === '' || path.startsWith(`${directory}/`));
}

/** The file of the tree whose digest its line in the list has. */
function fileToHash({ path, source, destination }: Pair): string | undefined {
  if (source?.type !== 'file' || destination?.type !== 'file' || source.size !== destination.size)
    return undefined;
  return (source.digest === undefined) === (destination.digest === undefined) ? undefined : path;
}

function withDigest(pair: Pair, digest: string | undefined): Pair {
  const { source, destination } = pair;
  if (digest === undefined || source === undefined || destination === undefined) return pair;
  return source.digest === undefined
    ? { ...pair, source: { ...source, digest } }
    : { ...pair, destination: { ...destination, digest } };
}

function differencesOf({ path, source, destination, unreadable }: Pair, how: SavedComparison): Difference[] {
  if (unreadable !== undefined) return [{ kind: 'unreadable', path, detail: unreadable }];
  if (source !== undefined && destination !== undefined)
    return compareSaved(source, destination, how).map((found) => ({ ...found, path }));
  const only = (source ?? destination)!;
  const kind = destination === undefined ? 'missing' : 'extra';
  return [{ kind, path, detail: only.type === 'directory' ? 'directory' : '' }];
}
