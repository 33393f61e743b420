import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import type { Difference, ProofWord } from '../../core/model/difference.ts';
import type { KeepWord } from '../../core/model/fidelity.ts';
import { trashDirectory } from '../../core/model/removal.ts';
import type { SourceRoot } from '../../core/model/source-root.ts';
import { runsDirectory } from '../../core/run/run-paths.ts';
import { type Compared, TreeComparer } from '../../core/storage/posix/compare-trees.ts';
import { close } from '../../core/storage/posix/libc.ts';
import { putOnDisk } from '../../core/storage/posix/open-tree.ts';
import { type PairedName, PairedWalk } from '../../core/storage/posix/paired-walk.ts';
import { identityOf } from '../../core/storage/posix/scan.ts';
import { openNamedTree } from './open-tree.ts';
import { packagePaths } from './package-paths.ts';

export type HowToCompare = {
  readonly by: ProofWord;
  readonly keep: readonly KeepWord[];
  /** Seconds by which mtimes may differ. */
  readonly modifyWindow: number;
  readonly threads: number | undefined;
};

/** Open directories; or what a run has copied. */
export type OpenTrees = {
  readonly source: number | readonly SourceRoot[];
  readonly destination: number;
};

export type Tell = (difference: Difference) => Promise<void>;

/** Compares two trees with threads of this machine; each difference is told as soon as all before it are. Returns what was compared. */
export async function compareTrees(
  named: { readonly source: string; readonly destination: string } & HowToCompare,
  tell: Tell,
  signal: AbortSignal,
): Promise<Compared> {
  const trees = {
    source: openNamedTree(named.source, 'source'),
    destination: openNamedTree(named.destination, 'destination'),
  };
  const identity = identityOf(runsDirectory);
  const own = identity && { ...identity, name: runsDirectory };
  const walk = new PairedWalk({ ...trees, passOver: { own, rootNames: [trashDirectory] } });
  return compareEntries(trees, walk.names(), named, tell, signal);
}

/** The same for some entries of two open trees, which are closed then. */
export async function compareEntries(
  trees: OpenTrees,
  entries: Iterable<PairedName>,
  { by, keep, modifyWindow, threads }: HowToCompare,
  tell: Tell,
  signal: AbortSignal,
): Promise<Compared> {
  const isFresh = by === 'checksum';
  if (isFresh) await putOnDisk(trees.destination);
  const comparison = { ...trees, by, keep, modifyWindow, isFresh };
  const threadProgram = pathToFileURL(packagePaths().proofThreadBundle);
  const comparer = new TreeComparer(
    { ...comparison, threadProgram, threads: threads ?? availableParallelism() },
    signal,
  );
  for await (const difference of comparer.differences(entries)) await tell(difference);
  if (typeof trees.source === 'number') close(trees.source);
  close(trees.destination);
  return comparer.compared;
}
