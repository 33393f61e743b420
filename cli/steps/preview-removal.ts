import { meaningOf } from '../../core/model/advice.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { type Candidate, parseRemovalLimit, removableAtMost } from '../../core/model/removal.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { readRunInfo } from '../../core/run/run-info.ts';
import type { RunPaths } from '../../core/run/run-paths.ts';
import { countExtras } from './removal-phase.ts';
import type { Copy } from './submit-run.ts';

/** What --delete would remove if all were copied and nothing changed meanwhile. */
export type RemovalPreview = {
  /** Not all of them when there are many. */
  readonly listed: readonly Candidate[];
  readonly names: number;
  readonly entries: number;
  readonly bytes: number;
  readonly atMost: number;
};

const listedAtMost = 1000;

/** Looks at both trees now; undefined when nothing is to be removed. Removes nothing. */
export async function previewRemoval(
  { options, trees }: Copy,
  paths: RunPaths,
): Promise<RemovalPreview | undefined> {
  if (options.delete === undefined) return undefined;
  const { totals } = await readPlan(paths);
  const listed: Candidate[] = [];
  const sum = { names: 0, entries: 0, bytes: 0 };
  if (trees.destination.exists) {
    const onExtra = ({ path, kind, entries, bytes }: Candidate & { entries: number; bytes: number }) => {
      if (listed.length < listedAtMost) listed.push({ path, kind });
      sum.names++;
      sum.entries += entries;
      sum.bytes += bytes;
    };
    const info = await readRunInfo(paths);
    await countExtras({ paths, info, followsSymlinks: options.links === 'follow', onExtra }).catch(explain);
  }
  const limit = parseRemovalLimit(options.maxDelete)!;
  return { listed, ...sum, atMost: removableAtMost(limit, totals.entries, sum.entries) };
}

function explain(error: unknown): never {
  const { cause, action } = error as { cause?: unknown; action?: unknown };
  if (typeof cause !== 'string' || typeof action !== 'string') throw error;
  throw new BcopyError(
    'destinationUnwritable',
    `cannot tell what would be removed: cannot ${action}: ${meaningOf(cause)}`,
  );
}
