import { isKnownByStamp } from '../../core/model/compare.ts';
import { DigestSet } from '../../core/model/digest-set.ts';
import { PlainRuns } from '../../core/model/plain-runs.ts';
import { type PlainFiles, readPlain } from '../../core/run/plain-file.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import type { CopyLookOptions } from '../../core/storage/posix/copy-rules.ts';
import { closeDirectory, openDestination } from '../../core/storage/posix/open-destination.ts';
import { comparisonOf, fidelityOf, limitsOf } from '../options.ts';
import { runsBetween } from './find-run.ts';
import { type Copy, workersOf } from './submit-run.ts';

/** A file that was changed less than this before the run may be changed again, and its ctime stay what it is. */
const settledSeconds = 2;

/** So many runs are asked for what they have found. */
const runsAtMost = 8;

export type CopiesLook = {
  readonly options: CopyLookOptions;
  /** So many entries the newest run of the same trees had; 0 where there is none. */
  readonly expected: number;
  close(): void;
};

/**
 * What the scan needs to look at the destination too; undefined where the workers are to do that: on a cluster, which has
 * more nodes for it than the scan, with a limit, which is theirs to keep, where a look cannot tell, and where several of them
 * are to read all files anyway: what costs nothing in the plan is not divided among them.
 */
export async function lookAtCopies(copy: Copy): Promise<CopiesLook | undefined> {
  const { options, trees, scheduler, context } = copy;
  const isTold = isKnownByStamp(comparisonOf(options)) && options.links !== 'follow';
  const isTheirs = Object.keys(limitsOf(options)).length > 0 || (readsAll(copy) && workersOf(copy) > 1);
  if (scheduler.kind !== 'local' || options.dryRun !== false || !isTold || isTheirs) return undefined;
  const destination = trees.destination.isNew ? undefined : openDestination(trees.destination);
  if (destination === undefined) return undefined;
  const { keep, symlinks } = fidelityOf(options);
  const earlier = await readEarlier(copy).catch(() => undefined);
  const look: CopyLookOptions = {
    destination,
    keepsMode: keep.includes('mode'),
    keepsOwner: keep.includes('owner'),
    keepsSymlinks: symlinks === 'copy',
    keepsAttributes: keep.includes('xattr') || keep.includes('acl'),
    keepsAllAttributes: keep.includes('xattr') && keep.includes('acl'),
    plain: DigestSet.of(earlier?.plain.groups ?? new Uint8Array()).shared,
    plainCopies: PlainRuns.of(earlier?.plain.copies ?? []).shared,
    settledBefore: Math.floor(context.now() / 1000) - settledSeconds,
  };
  return { options: look, expected: earlier?.entries ?? 0, close: () => closeDirectory(destination) };
}

/** To compare or hash it, when all is there. */
function readsAll({ options, manifest }: Copy): boolean {
  return options.verify !== 'none' || manifest !== undefined;
}

/** What the newest run of the same trees that has looked at files, or copied some, has kept; a damaged one says nothing. */
async function readEarlier({ trees }: Copy): Promise<{ plain: PlainFiles; entries: number } | undefined> {
  let seen = 0;
  for await (const { paths } of runsBetween(trees.roots, trees.destination.path)) {
    const plain = await readPlain(paths);
    if (plain !== undefined) return { plain, entries: (await readPlan(paths)).totals.entries };
    if (++seen === runsAtMost) break;
  }
  return undefined;
}
