import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { ProofWord } from '../../core/model/difference.ts';
import { trashDirectory } from '../../core/model/removal.ts';
import { type SavedHeader, savedAlgorithm } from '../../core/model/saved-list.ts';
import { runsDirectory } from '../../core/run/run-paths.ts';
import type { Identity } from '../../core/storage/posix/entry-rules.ts';
import type { Hashed, NamedFile } from '../../core/storage/posix/hash-jobs.ts';
import { hashFiles } from '../../core/storage/posix/hash-tree.ts';
import { close } from '../../core/storage/posix/libc.ts';
import { SavedWalk, type WalkedSaved } from '../../core/storage/posix/saved-walk.ts';
import { identityOf } from '../../core/storage/posix/scan.ts';
import { openNamedTree } from './open-tree.ts';
import { packagePaths } from './package-paths.ts';

export type SaveRequest = {
  readonly directory: string;
  /** `checksum`: with digests. */
  readonly by: ProofWord;
  readonly threads: number | undefined;
  /** Files that are left out: the list itself, when it is made in the tree. */
  readonly passOver: readonly Identity[];
};

export type SavedList = {
  entries: number;
  bytes: number;
  readonly unreadable: { readonly path: string; readonly why: string }[];
};

/** So many are looked at before anything else gets its turn. */
const atOnce = 256;

/** Writes the lines of a list of a tree, each with its end; what cannot be read is in none. */
export async function saveList(
  request: SaveRequest,
  write: (line: string) => void,
  signal: AbortSignal,
): Promise<SavedList> {
  const { directory, by, threads, passOver } = request;
  const saved: SavedList = { entries: 0, bytes: 0, unreadable: [] };
  const root = openNamedTree(directory, 'source');
  const line = (value: object) => write(`${JSON.stringify(value)}\n`);
  const header: SavedHeader = {
    type: 'list',
    format: 1,
    ...(by === 'checksum' ? { digest: savedAlgorithm } : {}),
  };
  line(header);
  const walk = new SavedWalk(listedBelow(root, passOver));
  const hashing = by === 'checksum' ? { root, threads, isFresh: false } : undefined;
  for await (const { item, hashed } of withDigests(walk.entries(), fileOf, hashing, signal)) {
    const why =
      'unreadable' in item ? item.unreadable : hashed?.kind === 'unreadable' ? hashed.why : undefined;
    if (why !== undefined) saved.unreadable.push({ path: item.path, why });
    else if (hashed?.kind !== 'missing') {
      const digest = hashed?.kind === 'digest' ? { digest: hashed.digest } : {};
      line({ ...item, ...digest });
      saved.entries++;
      if (hashed?.kind === 'digest') saved.bytes += hashed.bytes;
    }
  }
  line({ type: 'end', entries: saved.entries });
  close(root);
  return saved;
}

/** How the walk of a list leaves out what is bcopy's own. */
export function listedBelow(root: number, passOver: readonly Identity[]) {
  const own = identityOf(runsDirectory);
  return {
    root,
    passOver: own === undefined ? passOver : [...passOver, own],
    rootNames: [trashDirectory],
  };
}

/** What is to be hashed of an item; undefined: nothing. */
type FileOf<T> = (item: T) => string | undefined;

function fileOf(item: WalkedSaved): string | undefined {
  return 'unreadable' in item || item.type !== 'file' ? undefined : item.path;
}

export type WithDigest<T> = { readonly item: T; readonly hashed: Hashed | undefined };

/** Items in their order, with the digests of those that have a file in the tree that is asked for one; without `hashing` of none. */
export async function* withDigests<T>(
  items: Iterable<T>,
  pathOf: FileOf<T>,
  hashing:
    | { readonly root: number; readonly threads: number | undefined; readonly isFresh: boolean }
    | undefined,
  signal: AbortSignal,
): AsyncGenerator<WithDigest<T>> {
  if (hashing === undefined) {
    let count = 0;
    for (const item of items) {
      if (count++ % atOnce === 0) await setImmediate();
      signal.throwIfAborted();
      yield { item, hashed: undefined };
    }
    return;
  }
  const request = {
    ...{ root: hashing.root, isFresh: hashing.isFresh, followsSymlinks: false, passOver: [] },
    algorithm: savedAlgorithm,
    algorithms: [savedAlgorithm],
    threadProgram: pathToFileURL(packagePaths().proofThreadBundle),
    threads: hashing.threads ?? availableParallelism(),
  } as const;
  for await (const { file, hashed } of hashFiles(request, asFiles(items, pathOf), signal))
    yield { item: file.item, hashed: file.name === '' ? undefined : hashed };
}

/** What has nothing to be hashed travels along under a name that no file has, so that the order is kept. */
function* asFiles<T>(items: Iterable<T>, pathOf: FileOf<T>): Generator<NamedFile & { readonly item: T }> {
  for (const item of items) {
    const path = pathOf(item);
    const slash = path?.lastIndexOf('/') ?? -1;
    yield {
      directory: path?.slice(0, Math.max(0, slash)) ?? '',
      name: path?.slice(slash + 1) ?? '',
      item,
    };
  }
}
