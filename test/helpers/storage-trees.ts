import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { type Entry, pathOf } from '../../core/model/entry.ts';
import type { EntryOutcome, Tally } from '../../core/model/outcome.ts';
import type { PlacedEntry } from '../../core/run/tape-reader.ts';
import type { PosixStorageRequest } from '../../core/storage/posix/posix-storage.ts';
import { scanTree } from '../../core/storage/posix/scan.ts';
import type { EntryGroup, FinishedEntry, GroupOutcome, Storage } from '../../core/storage/storage.ts';
import { groupsOf } from '../../workers/groups.ts';
import { layTape } from './memory-tape.ts';

/** An empty source and an empty destination in a directory of their own. */
export type TwoTrees = {
  readonly top: string;
  readonly source: string;
  readonly destination: string;
  readonly remove: () => void;
};

export function makeTwoTrees(parent = tmpdir()): TwoTrees {
  const top = mkdtempSync(join(parent, 'bcopy-trees-'));
  const [source, destination] = [`${top}/source`, `${top}/destination`];
  for (const directory of [source, destination]) mkdirSync(directory);
  const remove = () => {
    // Their modes keep an ordinary user from emptying some of them
    execaSync('chmod', ['-R', 'u+rwx', top], { reject: false });
    rmSync(top, { recursive: true, force: true });
  };
  return { top, source, destination, remove };
}

/** What opens two trees, for the first worker of a run unless told otherwise. */
export function requestFor(
  { source, destination }: Pick<TwoTrees, 'source' | 'destination'>,
  more: Partial<PosixStorageRequest> = {},
): PosixStorageRequest {
  return {
    source,
    destination,
    sourceInode: String(statSync(source, { bigint: true }).ino),
    writer: { run: 'r1', attempt: 1, restart: 0, pid: 7 },
    cleanUp: undefined,
    mayExist: true,
    ...more,
  };
}

/** The entries of a tree as the scan gives them, placed as on a tape. */
export function scanned(source: string): PlacedEntry[] {
  const spillFile = `${source}/../spill`;
  return placed([
    ...scanTree({ path: source, spillFile, probe: false, passOver: undefined, forbidden: undefined }),
  ]);
}

export function placed(entries: readonly Entry[]): PlacedEntry[] {
  let directoryPath = '';
  return layTape(entries).entries.map((located) => {
    if (located.entry.kind === 'directory') directoryPath = located.entry.path;
    return { ...located, directoryPath, path: pathOf(directoryPath, located.entry) };
  });
}

export function groupFor(entries: readonly PlacedEntry[]): EntryGroup {
  const [group, ...more] = groupsOf(
    entries,
    () => false,
    () => Number.POSITIVE_INFINITY,
  );
  if (group === undefined || more.length > 0) throw new Error('not one group');
  return group;
}

/** Files directly in the source, as one group. */
export function filesGroup(names: readonly string[], bytes = 0): EntryGroup {
  return groupFor(placed(names.map((name) => ({ kind: 'file', name, bytes }))));
}

export function sumOf(group: GroupOutcome, kind: 'copied' | 'skipped' | 'linked'): Tally {
  const sum = { entries: 0, bytes: 0 };
  for (const range of group.ranges) {
    sum.entries += range[kind].entries;
    sum.bytes += range[kind].bytes;
  }
  return sum;
}

export type TreeCopy = { readonly group: GroupOutcome; readonly outcomes: readonly EntryOutcome[] };

/** All that workers and finish do for a small tree, with one storage. */
export function copyTree(storage: Storage, entries: readonly PlacedEntry[]): TreeCopy {
  const group = storage.copyGroup(groupFor(entries));
  const outcomes = [...group.outcomes];
  for (const { ordinal, entry, path } of [...entries].reverse()) {
    let finished: FinishedEntry | undefined;
    if (entry.kind === 'link')
      finished = storage.linkEntry({ ordinal, path, firstPath: entries[entry.first]!.path });
    if (entry.kind === 'directory') finished = storage.completeDirectory(ordinal, path);
    if (finished?.kind === 'outcome') outcomes.push(finished.outcome);
  }
  return { group, outcomes };
}
