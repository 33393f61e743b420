import { joinPath } from '../../core/model/entry.ts';
import { classOf } from '../../core/model/errno.ts';
import type { DoneRange, EntryOutcome } from '../../core/model/outcome.ts';
import { addWays, type Way } from '../../core/model/ways.ts';
import { SystemError } from '../../core/storage/posix/system-error.ts';
import type {
  EntryBatch,
  EntryGroup,
  FinishedEntry,
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

type Concerned = { readonly ordinal: number; readonly path: string; readonly bytes: number };

/** What is about to be done: the copy of an entry or of a part, what finish does, or a sync. */
export type Asked =
  | { readonly kind: 'entry' | 'file' | 'link' | 'directory'; readonly ordinal: number }
  | { readonly kind: 'part'; readonly ordinal: number; readonly part: PartRequest }
  | { readonly kind: 'sync' };
/** The cause with which it fails; undefined: it is done. What this throws, the storage throws. */
export type Faults = (asked: Asked) => string | undefined;

/**
 * A storage whose n-th copy (of an entry or a part, counted from 1, further tries included) fails with the cause
 * `faults.get(n)`, and whose other copies are those of `storage`. With a function it is asked about everything.
 * `tried` tells what was to be copied, in order.
 */
export function faultyStorage(storage: Storage, faults: ReadonlyMap<number, string> | Faults) {
  const tried: number[] = [];
  const causeOf: Faults = typeof faults === 'function' ? faults : (asked) => mappedCause(asked, faults);

  function mappedCause({ kind }: Asked, causes: ReadonlyMap<number, string>): string | undefined {
    return kind === 'entry' || kind === 'part' ? causes.get(tried.length) : undefined;
  }

  function faultFor(asked: Asked, { ordinal, path, bytes }: Concerned): EntryOutcome | undefined {
    const cause = causeOf(asked);
    const outcome = cause === 'ENOENT' ? 'vanished' : 'failed';
    return cause === undefined ? undefined : { ordinal, outcome, path, bytes, cause, action: 'open source' };
  }

  function copyOne(group: EntryGroup, batch: EntryBatch, i: number): GroupOutcome {
    const ordinal = batch.ordinal + i;
    const concerned = {
      ordinal,
      path: joinPath(batch.directory, batch.names[i]!),
      bytes: batch.bytes[i]!,
    };
    const isCopied = 'fsp'.includes(batch.kinds[i]!);
    if (isCopied) tried.push(ordinal);
    const fault = isCopied ? faultFor({ kind: 'entry', ordinal }, concerned) : undefined;
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

  function copyPart(part: PartRequest): PartResult {
    tried.push(part.ordinal);
    const fault = faultFor({ kind: 'part', ordinal: part.ordinal, part }, part);
    return fault === undefined ? storage.copyPart(part) : { outcome: fault };
  }

  function finished(
    kind: 'file' | 'link' | 'directory',
    concerned: Concerned,
    work: () => FinishedEntry,
  ): FinishedEntry {
    const fault = faultFor({ kind, ordinal: concerned.ordinal }, concerned);
    return fault === undefined ? work() : { kind: 'outcome', outcome: fault };
  }

  const faulty: Storage = {
    copyGroup,
    copyPart,
    findSame: (seen) => storage.findSame(seen),
    dividedState: (...args) => storage.dividedState(...args),
    completeFile: (request) => finished('file', request, () => storage.completeFile(request)),
    linkEntry: (request) => finished('link', { ...request, bytes: 0 }, () => storage.linkEntry(request)),
    completeDirectory: (ordinal, path) =>
      finished('directory', { ordinal, path, bytes: 0 }, () => storage.completeDirectory(ordinal, path)),
    discardParts: (...args) => storage.discardParts(...args),
    removeLeftovers: (...args) => storage.removeLeftovers(...args),
    takeNotes: () => storage.takeNotes(),
    takeWays: () => storage.takeWays(),
    async sync() {
      const cause = causeOf({ kind: 'sync' });
      if (cause !== undefined) throw new SystemError(cause, 'sync the destination');
      await storage.sync();
    },
    close: () => storage.close(),
  };
  return { faulty, tried };
}
