import { wholeEntriesOf } from '../core/model/plan.ts';
import { hashesCopies } from '../core/run/attempt-file.ts';
import { CopiedDigests } from '../core/run/copied-digests.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import { isSuperseded } from '../core/run/journal-reader.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { PlainWriter } from '../core/run/plain-file.ts';
import { hasVanished, readRunState } from '../core/run/run-state.ts';
import type { ShardState } from '../core/run/shard-state.ts';
import { prepareDigests } from '../core/storage/posix/content-digest.ts';
import { newStopFlag } from '../core/storage/posix/stop-flag.ts';
import { startEngine, type ThreadProgram } from './engine.ts';
import { believesScan, mayLook } from './may-look.ts';
import { openStorage } from './open-storage.ts';
import { largeFrom, pieceBytes } from './piece-size.ts';
import { Recorder } from './recorder.ts';
import { ShardWork } from './shard-work.ts';
import { storageRequest, syncOf, type TaskContext } from './task-context.ts';
import type { TaskLog } from './task-log.ts';
import { countThreads } from './thread-count.ts';
import type { ThreadCount } from './thread-pool.ts';

export type TaskOptions = {
  readonly program: ThreadProgram;
  readonly log: TaskLog;
  readonly signal: AbortSignal;
};

/** What any file system copies in some seconds: nothing of it has to be stopped half way. */
const soonCopied = 16 * 1024 * 1024;

/** Works on one shard: copies what its journals do not have yet, and says why it ended. */
export async function runTask(context: TaskContext, options: TaskOptions): Promise<JournalEnd['reason']> {
  const number = context.journal.shard as number;
  const shard = context.plan.shards[number]!;
  const run = await readRunState(context.paths, context.plan, number);
  const state = run.shards[number]!;
  options.log.begin(context, state);
  const stop = shard.bytes > soonCopied ? newStopFlag() : undefined;
  const forced = run.verification.toBePutAnew;
  const hashes = hashesCopies(context.attempt);
  if (hashes) await prepareDigests();
  const more = { stop, largeFrom: largeFrom(context.attempt.limits), forced, hashes };
  const request = { ...storageRequest(context, wholeEntriesOf(shard)), ...more };
  const storage = openStorage(request);
  const journal = await JournalWriter.create(context.paths, context.info.id, context.journal, context.job);
  const digests = hashes ? await openDigests(context) : undefined;
  const plain = new PlainWriter(context.paths.plainCopies(context.journal));
  const recorder = new Recorder({
    sync: syncOf(context, storage),
    append: async (records) => {
      await digests?.flush();
      await journal.append(records);
    },
    isSuperseded: () => isSuperseded(context.paths, context.journal),
    checkpointMs: context.attempt.checkpointSeconds * 1000,
  });
  const engine = startEngine(threadsFor(context, state), storage, request, options.program);
  try {
    const isFileSettled = (ordinal: number) =>
      run.finish.files.has(ordinal) || hasVanished(run, [number], ordinal);
    const isForced = (ordinal: number) => forced.has(ordinal);
    const looks = request.limits === undefined && forced.size === 0 && mayLook(context, state, Date.now());
    const settled = { isFileSettled, isForced, looks, believesScan: believesScan(context, Date.now()) };
    const work = new ShardWork({
      context,
      state,
      storage,
      engine,
      recorder,
      options,
      digests,
      plain,
      ...settled,
    });
    const reason = await work.run();
    await journal.end(reason);
    return reason;
  } finally {
    await engine.close();
    await journal.close();
    await digests?.close();
    plain.close();
    storage.close();
  }
}

function openDigests({ paths, plan, journal }: TaskContext): Promise<CopiedDigests> {
  const { from } = wholeEntriesOf(plan.shards[journal.shard as number]!);
  return CopiedDigests.open(paths.copiedDigests(journal), from);
}

/** As many threads as what is left to do can use. */
function threadsFor({ attempt, plan, journal, cpus, memoryMB }: TaskContext, state: ShardState): ThreadCount {
  const shard = plan.shards[journal.shard as number]!;
  const entries = shard.entries - state.copied.entries - state.skipped.entries;
  const pieces = Math.ceil(shard.bytes / pieceBytes);
  return countThreads({ fixed: attempt.threads, cpus, memoryMB, entries, pieces });
}
