import { type DoneRange, emptyTally } from '../core/model/outcome.ts';
import type { PlacedEntry, TapeBlock } from '../core/run/tape-reader.ts';
import type { FinishedEntry, LinkRequest } from '../core/storage/storage.ts';
import type { FinishBatch } from './engine.ts';
import type { FinishCrew } from './finish-crew.ts';
import type { Recorder } from './recorder.ts';

/** What became of a further name, or what is to be done for it; undefined while its first name is left to do. */
export type AskedLink = FinishedEntry | LinkRequest | undefined;

export type TreeParts = {
  readonly crew: FinishCrew;
  readonly recorder: Recorder;
  readonly link: (placed: PlacedEntry, first: number) => AskedLink;
  /** True: a directory that the scan has found to be the same still is. */
  readonly believesScan: boolean;
  readonly tell: (finished: Extract<FinishedEntry, { kind: 'outcome' }>) => void;
  /** True once nothing more should be begun. */
  readonly mustStop: () => boolean;
  /** After an earlier finish, what this run did before counts as done by it. */
  readonly isLater: boolean;
  /** Removes what killed workers left in a directory. */
  readonly removeLeftovers: (directory: string) => void;
};

/** So many directories and further names are done at once, at most. */
const atOnce = 512;

/**
 * Completes what is on the tape, backwards along it: further names first, then directories, deepest first, so that a
 * directory comes after all that is below it. What does not depend on each other goes to the crew at once. Stops when it
 * must; the rest is then in no record.
 */
export async function completeTree(blocks: Iterable<TapeBlock>, parts: TreeParts): Promise<void> {
  let affairs: PlacedEntry[] = [];
  let to: number | undefined;
  for (const block of blocks) {
    const { from } = block;
    to ??= block.to;
    affairs.push(...block.entries.toReversed());
    if (affairs.length < atOnce && !parts.recorder.isDue && from > 0) continue;
    await completeSome(affairs, { from, to }, parts);
    [affairs, to] = [[], from];
    if (parts.recorder.isDue) await parts.recorder.checkpoint();
    if (parts.mustStop()) return;
  }
}

async function completeSome(
  affairs: readonly PlacedEntry[],
  { from, to }: { from: number; to: number },
  parts: TreeParts,
): Promise<void> {
  const finished = new Map<number, FinishedEntry>();
  for (const step of stepsOf(affairs, finished, parts)) {
    const done = await parts.crew.run(step);
    for (const [i, { ordinal }] of step.entries()) finished.set(ordinal, done[i]!);
  }
  record(affairs, finished, { from, to }, parts);
}

/** What can be done at once, one after another; what is done without the crew is put into `finished`. */
function* stepsOf(
  affairs: readonly PlacedEntry[],
  finished: Map<number, FinishedEntry>,
  parts: TreeParts,
): Generator<FinishBatch> {
  const links: LinkRequest[] = [];
  const directories = new Map<number, PlacedEntry[]>();
  for (const placed of affairs) {
    if (placed.entry.kind === 'directory' && placed.entry.isSame && parts.believesScan)
      finished.set(placed.ordinal, { kind: 'skipped' });
    else if (placed.entry.kind === 'directory') {
      const depth = placed.path === '' ? 0 : placed.path.split('/').length;
      directories.set(depth, [...(directories.get(depth) ?? []), placed]);
    } else if (placed.entry.kind === 'link') {
      const asked = parts.link(placed, placed.entry.first);
      if (asked !== undefined && 'firstPath' in asked) links.push(asked);
      else if (asked !== undefined) finished.set(placed.ordinal, asked);
    }
  }
  yield links;
  if (parts.isLater) tidy(affairs, finished, parts);
  for (const [, level] of [...directories].sort(([a], [b]) => b - a))
    yield level.map(({ ordinal, path }) => ({ ordinal, path }));
}

/** A finish that ended between making a link and renaming it left it in the directory in which it has to be made now. */
function tidy(
  affairs: readonly PlacedEntry[],
  finished: ReadonlyMap<number, FinishedEntry>,
  { removeLeftovers }: TreeParts,
): void {
  const made = affairs.filter(({ ordinal, entry }) => {
    const kind = entry.kind === 'link' && finished.get(ordinal)?.kind;
    return kind === 'linked' || kind === 'copied';
  });
  for (const directory of new Set(made.map(({ directoryPath }) => directoryPath))) removeLeftovers(directory);
}

/** A range holds no entry that failed: it ends there and another begins. */
function record(
  affairs: readonly PlacedEntry[],
  finished: ReadonlyMap<number, FinishedEntry>,
  { from, to }: { from: number; to: number },
  { recorder, tell, isLater }: TreeParts,
): void {
  const take = (range: DoneRange) => recorder.takeGroup({ ranges: [range], notes: new Map() });
  let range = rangeUpTo(to);
  for (const { ordinal, entry } of affairs) {
    const one = finished.get(ordinal);
    if (one?.kind === 'outcome') {
      take({ ...range, from: ordinal + 1 });
      tell(one);
      range = rangeUpTo(ordinal);
    } else if (one !== undefined) {
      const again = isLater && one.kind === 'skipped';
      range[again ? (entry.kind === 'link' ? 'linked' : 'copied') : one.kind].entries++;
    }
  }
  take({ ...range, from });
}

function rangeUpTo(to: number): DoneRange {
  return { from: to, to, copied: emptyTally(), skipped: emptyTally(), linked: emptyTally() };
}
