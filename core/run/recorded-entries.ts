import { dividedFiles, type Plan } from '../model/plan.ts';
import { outcomesOf, type RunState } from './run-state.ts';
import type { PlacedEntry } from './tape-reader.ts';

/**
 * True of entries of a shard that the journals record as copied, or found there as they should be. Directories and further
 * names are recorded by finish.
 */
export function recordedIn(plan: Plan, state: RunState, shard: number): (placed: PlacedEntry) => boolean {
  const divided = dividedFiles(plan);
  const others = new Set(Array.from(outcomesOf(state), ({ ordinal }) => ordinal));
  return ({ ordinal, entry: { kind } }) => {
    if (kind === 'unreadable' || others.has(ordinal)) return false;
    if (kind === 'directory' || kind === 'link') return state.finish.done.has(ordinal);
    return divided.has(ordinal) ? state.finish.files.has(ordinal) : state.shards[shard]!.done.has(ordinal);
  };
}
