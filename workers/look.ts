import { type DoneRange, emptyTally } from '../core/model/outcome.ts';
import { type SeenEntries, seenStates } from '../core/model/seen-entries.ts';
import { SeenReader, type SeenRequest } from '../core/run/seen-reader.ts';
import type { LookOutcome, Storage } from '../core/storage/storage.ts';

const reader = new SeenReader();

/** Looks at entries of the tape by what the scan saw of them. */
export function look(storage: Storage, request: SeenRequest): LookOutcome {
  const seen = reader.read(request);
  storage.findSame(seen);
  return outcomeOf(seen);
}

/** Ranges end where something is left. */
function outcomeOf({ from, count, states, bytes }: SeenEntries): LookOutcome {
  const ranges: DoneRange[] = [];
  const left: number[] = [];
  let range = rangeFrom(from);
  for (let i = 0; i < count; i++) {
    if (states[i] === seenStates.left) {
      if (range.from < from + i) ranges.push({ ...range, to: from + i });
      range = rangeFrom(from + i + 1);
      left.push(from + i);
    } else if (states[i] === seenStates.same) {
      range.skipped.entries++;
      range.skipped.bytes += bytes[i]!;
    }
  }
  if (range.from < from + count) ranges.push({ ...range, to: from + count });
  return { ranges, left };
}

function rangeFrom(from: number): DoneRange {
  return { from, to: from, copied: emptyTally(), skipped: emptyTally(), linked: emptyTally() };
}
