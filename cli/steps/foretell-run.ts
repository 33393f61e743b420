import { setImmediate } from 'node:timers/promises';
import { bytesOf, type Entry } from '../../core/model/entry.ts';
import type { Forecast } from '../../core/model/forecast.ts';
import { dividedFiles } from '../../core/model/plan.ts';
import { hasDoubts } from '../../core/run/doubt-file.ts';
import { hasVanished, readRunState } from '../../core/run/run-state.ts';
import { type PlacedEntry, TapeReader } from '../../core/run/tape-reader.ts';
import { type EntryToForetell, Foreteller } from '../../core/storage/posix/foreteller.ts';
import { comparisonOf, fidelityOf } from '../options.ts';
import type { Copy, ReadyRun } from './submit-run.ts';

/** What would become of an entry of the plan, or of what only the destination has. */
export type EntryForecast = Forecast & {
  readonly path: string;
  readonly kind: Entry['kind'] | 'other';
  /** What is planned of it, or would go. */
  readonly bytes: number;
  /** Of what would go: itself and all below it. */
  readonly entries?: number;
};

/** So many are foretold before anything else gets its turn. */
const atOnce = 256;

/**
 * Foretells entry after entry, in the order of the tape, without touching anything; of a run that is gone on with, those
 * that its workers have not done, undefined for the others. Memory does not grow with the tree.
 */
export async function* foretellRun(
  { options, context, trees }: Copy,
  run: ReadyRun,
): AsyncGenerator<EntryForecast | undefined> {
  const { roots, destination } = trees;
  const before = await doneBefore(run);
  const foreteller = new Foreteller({
    roots,
    destination: destination.exists ? destination.path : undefined,
    destinationInode: String(destination.identity.inode),
    fidelity: fidelityOf(options),
    compare: comparisonOf(options),
    doubtsFiles: await hasDoubts(run.paths),
  });
  const tape = new TapeReader(run.paths);
  try {
    for (const placed of tape.between(0, run.plan.totals.entries)) {
      if (placed.ordinal % atOnce === 0) await setImmediate();
      context.signal.throwIfAborted();
      const { entry, path } = placed;
      if (before.hasDone(placed)) yield undefined;
      else {
        const asked = entryToForetell(placed, (ordinal) => tape.at(ordinal));
        const forecast = foreteller.foretell({ ...asked, isForced: before.forced.has(placed.ordinal) });
        yield { ...forecast, path, kind: entry.kind, bytes: bytesOf(entry) };
      }
    }
  } finally {
    tape.close();
    foreteller.close();
  }
}

/** An entry of the tape as it is foretold; `at` finds the first names of further ones. */
export function entryToForetell(
  { entry, directoryPath: directory }: PlacedEntry,
  at: (ordinal: number) => PlacedEntry,
): EntryToForetell {
  const { kind } = entry;
  if (kind === 'directory') return { kind, directory, name: '' };
  if (kind === 'unreadable') return { kind, directory, name: entry.name, errno: entry.errno };
  if (kind !== 'link') return { kind, directory, name: entry.name };
  return { kind, directory, name: entry.name, first: entryToForetell(at(entry.first), at) };
}

type Before = {
  /** True of what workers have done; directories and further names are looked at by every finish. To be asked in the order of the tape. */
  readonly hasDone: (placed: PlacedEntry) => boolean;
  /** Files that were found to differ though they look as they should. */
  readonly forced: ReadonlySet<number>;
};

/** What earlier attempts have come to. */
async function doneBefore({ paths, plan, attempt }: ReadyRun): Promise<Before> {
  if (attempt === 1) return { hasDone: () => false, forced: new Set() };
  const state = await readRunState(paths, plan);
  const divided = dividedFiles(plan);
  let shard = 0;
  const hasDone = ({ ordinal, entry: { kind } }: PlacedEntry) => {
    if (kind === 'directory' || kind === 'link') return false;
    const shards = divided.get(ordinal);
    if (shards !== undefined) return state.finish.files.has(ordinal) || hasVanished(state, shards, ordinal);
    while (shard < plan.shards.length - 1 && plan.shards[shard]!.end.ordinal <= ordinal) shard++;
    return state.shards[shard]!.isSettled(ordinal);
  };
  return { hasDone, forced: state.verification.toBePutAnew };
}
