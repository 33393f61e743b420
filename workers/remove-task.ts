import { setImmediate as others } from 'node:timers/promises';
import { beginningsOf } from '../core/model/plan.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import { isSuperseded } from '../core/run/journal-reader.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { treeOfRun } from '../core/run/run-info.ts';
import { TapeReader } from '../core/run/tape-reader.ts';
import { readUnlinked } from '../core/run/unlinked-state.ts';
import { openDoomedTree } from '../core/storage/posix/doomed-tree.ts';
import { JobThreads } from '../core/storage/posix/job-threads.ts';
import { close } from '../core/storage/posix/libc.ts';
import { shareLimits } from '../core/storage/posix/limits.ts';
import { Unlinker } from '../core/storage/posix/unlinker.ts';
import { openTrees } from './open-storage.ts';
import type { TaskOptions } from './task.ts';
import type { TaskContext } from './task-context.ts';
import { countThreads } from './thread-count.ts';
import { type UnlinkWork, worksOf, worksOfDirectories, worksOfNames } from './unlink-works.ts';

/** So many pieces of work for each thread are under way. */
const worksAhead = 4;
/** So many directories are tried once more; the others are left to finish. */
const directoriesAgain = 10_000;

/**
 * Removes what begins in one shard of a tree that is to go: all but directories, and then those of these that are empty. What
 * stays is left to finish, which tells why. What an earlier worker has gone through is not tried again.
 */
export async function runRemoveTask(
  context: TaskContext,
  options: TaskOptions,
): Promise<JournalEnd['reason']> {
  const { paths, info, journal: name, job, attempt } = context;
  const { path, inode } = treeOfRun(info);
  const root = openTrees(() => openDoomedTree(path, inode, attempt.remove?.identity));
  const tape = new TapeReader(paths);
  const journal = await JournalWriter.create(paths, info.id, name, job, 'remove');
  const unlinking = root === undefined ? undefined : startUnlinking(context, options, root);
  try {
    // Somebody has removed all of it meanwhile
    const reason =
      unlinking === undefined
        ? 'complete'
        : await new RemoveTask({ context, options, tape, journal, unlinking }).run();
    await journal.end(reason);
    return reason;
  } finally {
    await unlinking?.close();
    await journal.close();
    tape.close();
    if (root !== undefined) close(root);
  }
}

/** Asks a thread to do work; gives the places in it of what is not gone by this. */
type Unlinking = {
  readonly threads: number;
  run(work: UnlinkWork['job']): Promise<number[]>;
  close(): Promise<void>;
};

function startUnlinking(
  { attempt, plan, journal, cpus, memoryMB }: TaskContext,
  { program, signal }: TaskOptions,
  root: number,
): Unlinking {
  const { entries } = plan.shards[journal.shard as number]!;
  const threads = countThreads({ fixed: attempt.threads, cpus, memoryMB, entries, pieces: 0 }).most;
  const limits = shareLimits(attempt.limits ?? {});
  // Nobody can stop this thread while it waits for a limit
  if (threads === 1 && limits === undefined) return unlinkHere(root);
  const pool = new JobThreads(program, { unlinking: { root, limits } }, threads, signal);
  return { threads, run: (job) => pool.run<number[]>(job), close: () => pool.close() };
}

/** Without another thread; signals are let in between. */
function unlinkHere(root: number): Unlinking {
  const unlinker = new Unlinker({ root });
  return {
    threads: 1,
    run: async (job) => {
      await others();
      return unlinker.unlink(job);
    },
    close: async () => unlinker.close(),
  };
}

type RemoveParts = {
  readonly context: TaskContext;
  readonly options: TaskOptions;
  readonly tape: TapeReader;
  readonly journal: JournalWriter;
  readonly unlinking: Unlinking;
};

type WorkUnderWay = { readonly work: UnlinkWork; readonly left: Promise<number[]> };

class RemoveTask {
  readonly #parts: RemoveParts;
  readonly #range: { readonly from: number; readonly to: number };
  /** What is done and not recorded. */
  #from: number;
  #next: number;
  #entries = 0;
  #bytes = 0;
  /** Directories that were not empty: another thread may have had what was in them. */
  readonly #full: string[] = [];
  #last = Date.now();

  constructor(parts: RemoveParts) {
    this.#parts = parts;
    const { plan, journal } = parts.context;
    this.#range = beginningsOf(plan.shards[journal.shard as number]!);
    [this.#from, this.#next] = [this.#range.from, this.#range.from];
  }

  async run(): Promise<JournalEnd['reason']> {
    const { context, options, tape } = this.#parts;
    const { done } = await readUnlinked(context.paths, context.plan);
    const shard = context.journal.shard as number;
    try {
      if (await this.#doAll(worksOfNames(tape, this.#range, done[shard]!))) return 'superseded';
      if (await this.#doAll(worksOfDirectories(tape, this.#range))) return 'superseded';
      for (const work of worksOf(this.#full.splice(0))) if (await this.#doAll([work])) return 'superseded';
    } catch (error) {
      if (!options.signal.aborted) throw error;
    }
    if (!options.signal.aborted) this.#next = this.#range.to;
    if (await this.#record()) return 'superseded';
    return options.signal.aborted ? 'cut off' : 'complete';
  }

  /** True when a newer worker has the shard. */
  async #doAll(works: Iterable<UnlinkWork>): Promise<boolean> {
    const { unlinking, options } = this.#parts;
    const underWay: WorkUnderWay[] = [];
    for (const work of works) {
      if (options.signal.aborted) return false;
      const left = unlinking.run(work.job);
      left.catch(() => undefined);
      underWay.push({ work, left });
      if (underWay.length >= unlinking.threads * worksAhead && (await this.#take(underWay.shift()!)))
        return true;
    }
    for (const one of underWay) if (await this.#take(one)) return true;
    return false;
  }

  /** Works are taken in their order. True when a newer worker has the shard. */
  async #take({ work, left }: WorkUnderWay): Promise<boolean> {
    const stays = await left;
    const { job, bytes } = work;
    this.#entries += bytes.length - stays.length;
    this.#bytes += bytes.reduce((sum, one) => sum + one, 0);
    for (const at of stays) this.#bytes -= bytes[at]!;
    if (job.kind === 'directories' && this.#full.length < directoriesAgain)
      this.#full.push(...stays.map((at) => job.paths[at]!));
    this.#next = Math.max(this.#next, work.to);
    const isDue = Date.now() - this.#last >= this.#parts.context.attempt.checkpointSeconds * 1000;
    return isDue && this.#record();
  }

  async #record(): Promise<boolean> {
    const { context, journal } = this.#parts;
    if (await isSuperseded(context.paths, context.journal)) return true;
    const [from, to, entries, bytes] = [this.#from, this.#next, this.#entries, this.#bytes];
    if (to === from && entries === 0) return false;
    await journal.append([{ type: 'unlinked', from, to, entries, bytes }]);
    [this.#from, this.#entries, this.#bytes, this.#last] = [to, 0, 0, Date.now()];
    return false;
  }
}
