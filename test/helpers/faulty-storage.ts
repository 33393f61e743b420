import { joinPath } from '../../core/model/entry.ts';
import { classOf } from '../../core/model/errno.ts';
import type { DoneRange, EntryOutcome } from '../../core/model/outcome.ts';
import { addWays, type Way } from '../../core/model/ways.ts';
import type {
  EntryBatch,
  EntryGroup,
  GroupOutcome,
  PartRequest,
  PartResult,
  Storage,
} from '../../core/storage/storage.ts';
import { groupOfOne } from '../../workers/groups.ts';
import { mergeRanges } from '../../workers/recorder.ts';

const nothing: GroupOutcome = {
  ranges: [],
  outcomes: [],
  notes: new Map(),
  ways: new Map(),
  hopeless: undefined,
};

/**
 * A storage whose n-th copy (of an entry or a part, counted from 1, further tries included) fails with the cause
 * `faults.get(n)`, and whose other copies are those of `storage`. `tried` tells what was asked for, in order.
 */
export function faultyStorage(storage: Storage, faults: ReadonlyMap<number, string>) {
  const tried: number[] = [];

  function faultFor(ordinal: number, path: string, bytes: number): EntryOutcome | undefined {
    const cause = faults.get(tried.push(ordinal));
    const outcome = cause === 'ENOENT' ? 'vanished' : 'failed';
    return cause === undefined ? undefined : { ordinal, outcome, path, bytes, cause, action: 'open source' };
  }

  function copyOne(group: EntryGroup, batch: EntryBatch, i: number): GroupOutcome {
    const ordinal = batch.ordinal + i;
    const isCopied = 'fsp'.includes(batch.kinds[i]!);
    const fault = isCopied
      ? faultFor(ordinal, joinPath(batch.directory, batch.names[i]!), batch.bytes[i]!)
      : undefined;
    if (fault === undefined) return storage.copyGroup(groupOfOne(group, ordinal));
    const hopeless = classOf(fault.cause) === 'hopeless' ? fault.cause : undefined;
    return { ...nothing, outcomes: [fault], hopeless };
  }

  function copyGroup(group: EntryGroup): GroupOutcome {
    const [ranges, outcomes, large]: [DoneRange[], EntryOutcome[], number[]] = [[], [], []];
    const ways = new Map<Way, number>();
    for (const batch of group.batches) {
      for (let i = 0; i < batch.kinds.length; i++) {
        const one = copyOne(group, batch, i);
        ranges.push(...one.ranges);
        outcomes.push(...one.outcomes);
        large.push(...(one.large ?? []));
        addWays(ways, one.ways);
        if (one.hopeless !== undefined)
          return { ...nothing, ranges: mergeRanges(ranges), outcomes, ways, hopeless: one.hopeless };
      }
    }
    return { ...nothing, ranges: mergeRanges(ranges), outcomes, large, ways };
  }

  function copyPart(request: PartRequest): PartResult {
    const fault = faultFor(request.ordinal, request.path, request.bytes);
    return fault === undefined ? storage.copyPart(request) : { outcome: fault };
  }

  const faulty: Storage = {
    copyGroup,
    copyPart,
    dividedState: (...args) => storage.dividedState(...args),
    discardParts: (...args) => storage.discardParts(...args),
    completeFile: (...args) => storage.completeFile(...args),
    linkEntry: (...args) => storage.linkEntry(...args),
    completeDirectory: (...args) => storage.completeDirectory(...args),
    removeLeftovers: (...args) => storage.removeLeftovers(...args),
    takeNotes: () => storage.takeNotes(),
    takeWays: () => storage.takeWays(),
    sync: () => storage.sync(),
    close: () => storage.close(),
  };
  return { faulty, tried };
}
