import { wholeEntriesOf } from '../core/model/plan.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { readRunState } from '../core/run/run-state.ts';
import { openComparison, startComparers } from './comparison.ts';
import { KnownDigests } from './known-digests.ts';
import type { TaskOptions } from './task.ts';
import type { TaskContext } from './task-context.ts';
import { countThreads } from './thread-count.ts';
import { VerifyRecords } from './verify-records.ts';
import { VerifyWork } from './verify-work.ts';

const MiB = 1024 * 1024;

/**
 * Compares what one shard records as copied with the source, and with what the directories of the shard hold besides, if
 * that is wanted. Nothing is written to either tree. What an earlier worker has compared for the same comparison is left out.
 */
export async function runVerifyTask(
  context: TaskContext,
  options: TaskOptions,
): Promise<JournalEnd['reason']> {
  const { paths, info, plan, attempt, journal: name } = context;
  const shard = name.shard as number;
  const { since = attempt.attempt } = attempt.verify!;
  const state = await readRunState(paths, plan, shard);
  options.log.begin(context, state.shards[shard]!);
  const trees = await openComparison(context);
  const journal = await JournalWriter.create(paths, info.id, name, context.job, 'verify', since);
  const records = new VerifyRecords(context, journal);
  const known = trees.comparison.knowsDigests ? await KnownDigests.open(context) : undefined;
  const comparers = startComparers(trees.comparison, threadsFor(context), options.program);
  try {
    const work = new VerifyWork({
      context,
      state,
      since,
      comparers,
      known,
      records,
      options,
      keep: trees.comparison.keep,
    });
    const reason = await work.run();
    await records.flush();
    if (records.isSuperseded) return 'superseded';
    await journal.end(reason);
    return reason;
  } finally {
    await comparers.close();
    await journal.close();
    known?.close();
    trees.close();
  }
}

/** Reading waits: there are more than CPUs, where there is enough to read. */
function threadsFor({ attempt, plan, journal, cpus, memoryMB }: TaskContext): number {
  const shard = plan.shards[journal.shard as number]!;
  const { from, to } = wholeEntriesOf(shard);
  const needs = { fixed: attempt.threads, cpus, memoryMB, pieces: Math.ceil(shard.bytes / (16 * MiB)) };
  const { most } = countThreads({ ...needs, entries: Math.ceil((to - from) / 8) });
  return Math.min(most, attempt.threads ?? Math.max(4, cpus));
}
