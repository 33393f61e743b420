import type { Difference } from '../../core/model/difference.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { fullFidelity, leftOutNotes } from '../../core/model/fidelity.ts';
import { directoryOfRoot, type SourceRoot } from '../../core/model/source-root.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { recordedEntries } from '../../core/run/recorded-entries.ts';
import type { RunInfo } from '../../core/run/run-info.ts';
import { readRunState } from '../../core/run/run-state.ts';
import type { PlacedEntry } from '../../core/run/tape-reader.ts';
import type { Compared } from '../../core/storage/posix/compare-trees.ts';
import { close } from '../../core/storage/posix/libc.ts';
import type { PairedName } from '../../core/storage/posix/paired-walk.ts';
import { compareEntries, type HowToCompare, type Tell } from './compare-trees.ts';
import type { FoundRun } from './find-run.ts';
import { openNamedTree } from './open-tree.ts';

/**
 * Compares with the source what the journals of a run record as copied, or as found there, and nothing else; what the run was not
 * to keep is not compared. Returns what was compared.
 */
export async function verifyRun(
  { paths, info, attempts }: FoundRun,
  how: HowToCompare,
  tell: Tell,
  signal: AbortSignal,
): Promise<Compared> {
  const { keep, symlinks } = attempts.at(-1)?.fidelity ?? fullFidelity;
  if (symlinks === 'follow')
    throw new BcopyError('usage', 'cannot verify a run that followed symlinks: its entries are others');
  const plan = await readPlan(paths);
  const state = await readRunState(paths, plan);
  const trees = {
    source: openSourceOf(info),
    destination: openNamedTree(info.destination.path, 'destination', info.destination.inode),
  };
  const isVirtual = info.source === undefined;
  const entries = namesOf(recordedEntries(paths, plan, state), {
    skipsSymlinks: symlinks === 'skip',
    isVirtual,
  });
  const lacksDevices = state.notes.has(leftOutNotes.device);
  const tellReal = async (difference: Difference) => {
    if (!(lacksDevices && isDevice(difference))) await tell(difference);
  };
  const both = { ...how, keep: how.keep.filter((word) => keep.includes(word)) };
  return compareEntries(trees, entries, both, tellReal, signal);
}

/** Roots are opened by each thread, once they were seen to be there. */
function openSourceOf({ source, roots = [] }: RunInfo): number | readonly SourceRoot[] {
  if (source !== undefined) return openNamedTree(source.path, 'source', source.inode);
  for (const root of roots) close(openNamedTree(directoryOfRoot(root), 'source', root.inode));
  return roots;
}

type NamesOptions = {
  readonly skipsSymlinks: boolean;
  /** The top of the tape is no entry of the source. */
  readonly isVirtual: boolean;
};

function* namesOf(
  entries: Iterable<PlacedEntry>,
  { skipsSymlinks, isVirtual }: NamesOptions,
): Generator<PairedName> {
  for (const { entry, directoryPath } of entries) {
    if (entry.kind !== 'directory') {
      if (entry.kind === 'symlink' && skipsSymlinks) continue;
      yield { kind: 'both', directory: directoryPath, name: entry.name };
    } else if (entry.path !== '') {
      const slash = entry.path.lastIndexOf('/');
      const directory = entry.path.slice(0, Math.max(slash, 0));
      yield { kind: 'both', directory, name: entry.path.slice(slash + 1) };
    } else if (!isVirtual) yield { kind: 'both', directory: '', name: '.' };
  }
}

/** What only root can make was left out, and told then. */
function isDevice({ kind, detail }: Difference): boolean {
  return kind === 'missing' && detail.endsWith('device');
}
