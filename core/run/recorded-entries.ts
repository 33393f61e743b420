import { dividedFiles, type Plan } from '../model/plan.ts';
import type { RunPaths } from './run-paths.ts';
import { outcomesOf, type RunState } from './run-state.ts';
import { type PlacedEntry, TapeReader } from './tape-reader.ts';

/**
 * The entries of a run that its journals record as copied, or found there as they should be, in the order of the tape.
 * Directories and further names are recorded by finish: before that has come to its end they are left out.
 */
export function* recordedEntries(paths: RunPaths, plan: Plan, state: RunState): Generator<PlacedEntry> {
  const divided = dividedFiles(plan);
  const others = new Set(Array.from(outcomesOf(state), ({ ordinal }) => ordinal));
  const hasFinished = state.finish.journal?.endedAt !== undefined;
  let shard = 0;
  const isDone = (ordinal: number) => {
    while (shard < plan.shards.length - 1 && plan.shards[shard]!.end.ordinal <= ordinal) shard++;
    return state.shards[shard]!.done.has(ordinal);
  };
  const isRecorded = ({ ordinal, entry: { kind } }: PlacedEntry) => {
    if (kind === 'unreadable' || others.has(ordinal)) return false;
    if (kind === 'directory' || kind === 'link') return hasFinished;
    return divided.has(ordinal) ? state.finish.files.has(ordinal) : isDone(ordinal);
  };
  const tape = new TapeReader(paths);
  try {
    for (const placed of tape.between(0, plan.totals.entries)) if (isRecorded(placed)) yield placed;
  } finally {
    tape.close();
  }
}
