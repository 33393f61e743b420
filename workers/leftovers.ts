import { type Plan, wholeEntriesOf } from '../core/model/plan.ts';
import type { RunState } from '../core/run/run-state.ts';
import type { TapeReader } from '../core/run/tape-reader.ts';
import type { Storage } from '../core/storage/storage.ts';

type Span = { readonly from: number; readonly to: number };

/**
 * Removes temporary files that killed workers left. A worker dies with entries in hand that it never recorded, so
 * only the directories of entries without a record are looked at. The one file of a divided file stays for a retry.
 */
export function removeLeftovers(
  tape: TapeReader,
  storage: Storage,
  plan: Plan,
  state: RunState,
  span: Span,
): void {
  const done = new Set<string>();
  for (const [number, shard] of plan.shards.entries()) {
    if (state.shards[number]!.journals.length === 0) continue;
    const { from, to } = wholeEntriesOf(shard);
    for (const gap of state.shards[number]!.done.missingIn(from, to)) {
      for (const { directoryPath } of tape.between(gap.from, gap.to)) {
        if (done.has(directoryPath)) continue;
        done.add(directoryPath);
        storage.removeLeftovers(directoryPath, span.from, span.to);
      }
    }
  }
}
