import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { meaningOf } from '../../core/model/advice.ts';
import { bytesOf, type Entry } from '../../core/model/entry.ts';
import { BcopyError } from '../../core/model/errors.ts';
import type { Forecast } from '../../core/model/forecast.ts';
import { dividedFiles } from '../../core/model/plan.ts';
import { hasDoubts } from '../../core/run/doubt-file.ts';
import { hasVanished, readRunState } from '../../core/run/run-state.ts';
import { type PlacedEntry, TapeReader } from '../../core/run/tape-reader.ts';
import { type Asked, foretellEntries } from '../../core/storage/posix/foretell-entries.ts';
import type { EntryToForetell, ForetellerRequest } from '../../core/storage/posix/foreteller.ts';
import { comparisonOf, fidelityOf } from '../options.ts';
import { packagePaths } from './package-paths.ts';
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

/** Of a tree that is smaller, threads would take longer to start than it takes. */
const smallTree = 3000;
const threadsAtMost = 4;

/**
 * Foretells entry after entry, in the order of the tape, without touching anything; of a run that is gone on with, those
 * that its workers have not done, undefined for the others. Memory does not grow with the tree.
 */
export async function* foretellRun(copy: Copy, run: ReadyRun): AsyncGenerator<EntryForecast | undefined> {
  const before = await doneBefore(run);
  const tape = new TapeReader(run.paths);
  const { entries } = run.plan.totals;
  const request = {
    trees: await treesOf(copy, run),
    threadProgram: pathToFileURL(packagePaths().proofThreadBundle),
    threads:
      copy.options.threads ?? (entries < smallTree ? 1 : Math.min(availableParallelism(), threadsAtMost)),
  };
  try {
    const asked = askFor(tape, entries, before);
    for await (const { item, forecast } of foretellEntries(request, asked, copy.context.signal)) {
      const { entry, path } = item;
      yield forecast && { ...forecast, path, kind: entry.kind, bytes: bytesOf(entry) };
    }
  } catch (error) {
    explain(error);
  } finally {
    tape.close();
  }
}

async function treesOf({ options, trees }: Copy, { paths }: ReadyRun): Promise<ForetellerRequest> {
  const { roots, destination } = trees;
  return {
    roots: roots.map(({ name, path, inode, isFile }) => ({ name, path, inode, isFile })),
    destination: destination.exists ? destination.path : undefined,
    destinationInode: String(destination.identity.inode),
    fidelity: fidelityOf(options),
    compare: comparisonOf(options),
    doubtsFiles: await hasDoubts(paths),
  };
}

function* askFor(
  tape: TapeReader,
  entries: number,
  { hasDone, forced }: Before,
): Generator<Asked<PlacedEntry>> {
  for (const item of tape.between(0, entries)) {
    const isForced = forced.has(item.ordinal);
    const entry = hasDone(item)
      ? undefined
      : { ...entryToForetell(item, (ordinal) => tape.at(ordinal)), ...(isForced ? { isForced } : {}) };
    yield { item, entry };
  }
}

function explain(error: unknown): never {
  const { cause, action } = error as { cause?: unknown; action?: unknown };
  if (typeof cause !== 'string' || typeof action !== 'string') throw error;
  const kind = action === 'open the destination' ? 'destinationUnwritable' : 'sourceUnreadable';
  throw new BcopyError(kind, `cannot tell what would be copied: cannot ${action}: ${meaningOf(cause)}`);
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
