import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import type { CompareWord, Difference } from '../../core/model/difference.ts';
import type { KeepWord } from '../../core/model/fidelity.ts';
import { runsDirectory } from '../../core/run/run-paths.ts';
import { type Compared, TreeComparer } from '../../core/storage/posix/compare-trees.ts';
import { close } from '../../core/storage/posix/libc.ts';
import { putOnDisk } from '../../core/storage/posix/open-tree.ts';
import { identityOf } from '../../core/storage/posix/scan.ts';
import { openNamedTree } from './open-tree.ts';
import { packagePaths } from './package-paths.ts';

export type TreesToCompare = {
  readonly source: string;
  readonly destination: string;
  readonly by: CompareWord;
  readonly keep: readonly KeepWord[];
  readonly threads: number | undefined;
};

/** What `--delete` keeps at a destination for a while. */
const trash = '.bcopy-trash';

/** Compares two trees with threads of this machine; each difference is told as soon as all before it are. Returns what was compared. */
export async function compareTrees(
  trees: TreesToCompare,
  tell: (difference: Difference) => Promise<void>,
  signal: AbortSignal,
): Promise<Compared> {
  const source = openNamedTree(trees.source, 'source');
  const destination = openNamedTree(trees.destination, 'destination');
  const isFresh = trees.by === 'checksum';
  if (isFresh) await putOnDisk(destination);
  const identity = identityOf(runsDirectory);
  const own = identity && { ...identity, name: runsDirectory };
  const request = {
    ...{ source, destination, isFresh, by: trees.by, keep: trees.keep },
    passOver: { own, rootNames: [trash] },
    threadProgram: pathToFileURL(packagePaths().proofThreadBundle),
    threads: trees.threads ?? availableParallelism(),
  };
  const comparer = new TreeComparer(request, signal);
  for await (const difference of comparer.differences()) await tell(difference);
  close(source);
  close(destination);
  return comparer.compared;
}
