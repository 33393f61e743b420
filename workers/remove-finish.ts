import type { Kept } from '../core/model/removal.ts';
import type { JournalEnd, JournalRecord } from '../core/run/journal-lines.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { treeOfRun } from '../core/run/run-info.ts';
import type { GoneLine } from '../core/run/unlink-lines.ts';
import { readUnlinked, shardsToUnlink } from '../core/run/unlinked-state.ts';
import { lookAtDoomed } from '../core/storage/posix/doomed-tree.ts';
import { close } from '../core/storage/posix/libc.ts';
import { ParallelRemoval } from '../core/storage/posix/parallel-removal.ts';
import { openPlannedDestination } from '../core/storage/posix/two-roots.ts';
import { reportFinish } from './finish.ts';
import { openTrees } from './open-storage.ts';
import type { TaskOptions } from './task.ts';
import type { TaskContext } from './task-context.ts';

/** So many things that stay are told by their paths; more are counted. */
const staysAtMost = 10_000;

type Gone = { readonly entries: number; readonly kept: readonly Kept[] };

/**
 * What follows tasks that remove a tree: directories that several of them share go, what has come since goes with its directory,
 * and what stays is told. True when nothing is left. While tasks have not come to their end it is left to the next attempt.
 */
export async function runRemoveFinish(context: TaskContext, options: TaskOptions): Promise<boolean> {
  const { paths, info, plan, journal: name, job } = context;
  const journal = await JournalWriter.create(paths, info.id, name, job, 'remove');
  let reason: JournalEnd['reason'] = 'failures';
  try {
    if (shardsToUnlink(plan, await readUnlinked(paths, plan)).length === 0) {
      const gone = await removeRest(context, options);
      if (gone === undefined) reason = 'cut off';
      else await journal.append(linesOf(gone));
      for (const kept of gone?.kept ?? []) options.log.kept(kept);
      if (gone?.kept.length === 0) reason = 'complete';
    }
    // Who waits for the end line reads the report next
    await reportFinish(context);
    await journal.end(reason);
    return reason === 'complete';
  } finally {
    await journal.close();
  }
}

/** Undefined when it is told to stop. */
async function removeRest(
  { info, attempt }: TaskContext,
  { signal }: TaskOptions,
): Promise<Gone | undefined> {
  const { destination } = info;
  const source = treeOfRun(info);
  const name = source.path.slice(source.path.lastIndexOf('/') + 1);
  const parent = openTrees(() => openPlannedDestination(destination));
  try {
    const found = lookAtDoomed(parent, name, source.inode, attempt.remove?.identity);
    if (found === 'nothing') return { entries: 0, kept: [] };
    if (found === 'other')
      return { entries: 0, kept: [{ path: '', cause: 'SOURCE_ROOT', action: 'remove' }] };
    const removal = new ParallelRemoval(parent, signal);
    await removal.remove(name);
    const kept = removal.kept.map((one) => ({ ...one, path: one.path.slice(name.length + 1) }));
    return { entries: removal.entries, kept };
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    close(parent);
  }
}

function linesOf({ entries, kept }: Gone): JournalRecord[] {
  const stays = kept.slice(0, staysAtMost).map((one): JournalRecord => ({ type: 'stays', ...one }));
  return [...stays, { type: 'gone', entries, stays: kept.length } satisfies GoneLine];
}
