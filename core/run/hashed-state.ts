import { beginningsOf, type Plan } from '../model/plan.ts';
import { RangeSet } from '../model/ranges.ts';
import type { DigestsLine, ManifestLine, UnhashedLine } from './hash-lines.ts';
import { journalCheck } from './journal-check.ts';
import type { JournalLine } from './journal-lines.ts';
import { listJournals, readJournal } from './journal-reader.ts';
import type { RunPaths } from './run-paths.ts';

/** What the journals of one shard say about what was hashed for one manifest. */
export class HashedShard {
  readonly done = new RangeSet();
  /** Files of digests, by their names, in the order in which they were recorded. */
  readonly pieces: string[] = [];
  /** Files without a digest by their ordinals, as the last worker that tried has found them. */
  readonly unhashed = new Map<number, UnhashedLine>();
  files = 0;
  bytes = 0;

  add(line: JournalLine): void {
    if (line.type === 'unhashed' && !this.done.has(line.ordinal)) this.unhashed.set(line.ordinal, line);
    if (line.type === 'digests') this.#addDigests(line);
  }

  #addDigests({ ranges, file, files, bytes }: DigestsLine): void {
    for (const [from, to] of ranges) this.done.add(from, to);
    for (const ordinal of this.unhashed.keys()) if (this.done.has(ordinal)) this.unhashed.delete(ordinal);
    if (file !== undefined) this.pieces.push(file);
    this.files += files;
    this.bytes += bytes;
  }
}

/** What of a run was hashed for one manifest, and whether a manifest was made of it. */
export type HashedState = {
  readonly shards: readonly HashedShard[];
  /** As the newest finish has left it. */
  readonly made: ManifestLine | undefined;
};

/**
 * Reads the journals of a run, or of one shard, as far as they are of workers that hash for the attempt `since` and those that go on
 * with it: what was read for an earlier manifest may have changed.
 */
export async function readHashed(
  paths: RunPaths,
  plan: Plan,
  since: number,
  onlyShard?: number,
): Promise<HashedState> {
  const shards = plan.shards.map(() => new HashedShard());
  let made: ManifestLine | undefined;
  for (const { file, name } of await listJournals(paths)) {
    if (onlyShard !== undefined && name.shard !== onlyShard) continue;
    let isOfIt = false;
    for (const line of readJournal(file, journalCheck(plan, name))) {
      if (line.type === 'journal') isOfIt = line.phase === 'hash' && line.since === since;
      if (!isOfIt) continue;
      if (line.type === 'manifest') made = line;
      if (name.shard !== 'finish') shards[name.shard]?.add(line);
    }
  }
  return { shards, made };
}

/** The shards in which something is left to be hashed, ascending; what cannot be read is left too. */
export function shardsToHash(plan: Plan, { shards }: HashedState): number[] {
  const numbers = [...plan.shards.keys()];
  return numbers.filter((number) => {
    const { from, to } = beginningsOf(plan.shards[number]!);
    return !shards[number]!.done.covers(from, to);
  });
}
