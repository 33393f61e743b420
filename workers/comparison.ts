import { fullFidelity } from '../core/model/fidelity.ts';
import { hashesCopies } from '../core/run/attempt-file.ts';
import { rootsOf } from '../core/run/run-info.ts';
import type { CompareJob, Comparison } from '../core/storage/posix/compare-jobs.ts';
import { Comparer } from '../core/storage/posix/comparer.ts';
import { prepareDigests } from '../core/storage/posix/content-digest.ts';
import { JobThreads } from '../core/storage/posix/job-threads.ts';
import { close } from '../core/storage/posix/libc.ts';
import { shareLimits } from '../core/storage/posix/limits.ts';
import { putOnDisk } from '../core/storage/posix/open-tree.ts';
import { openScannedSource } from '../core/storage/posix/source-tree.ts';
import { openPlannedDestination } from '../core/storage/posix/two-roots.ts';
import type { ThreadProgram } from './engine.ts';
import { openTrees } from './open-storage.ts';
import type { TaskContext } from './task-context.ts';

/** What a comparer has is garbage soon. Measured: with four of them, and without this, a worker that compares 300,000 files takes 250 MB; with it 190. */
const heapMb = 16;

/** Answers jobs that compare entries or ranges, as many at once as it has threads. */
export interface Comparers {
  readonly threads: number;
  run<A>(job: CompareJob): Promise<A>;
  /** Ends the threads; what is under way is given up. */
  close(): Promise<void>;
}

/** What is to be compared in an attempt, and how; the destination is open. */
export type OpenComparison = { readonly comparison: Comparison; close(): void };

/** Sees that both trees are those of the plan, and that the destination can be read from its disk. */
export async function openComparison({ info, attempt }: TaskContext): Promise<OpenComparison> {
  const roots = rootsOf(info);
  const { by, keep = (attempt.fidelity ?? fullFidelity).keep, windowSeconds = 0 } = attempt.verify!;
  openTrees(() => openScannedSource(roots)).close();
  const destinationRoot = openTrees(() => openPlannedDestination(info.destination));
  const isFresh = by === 'checksum';
  if (isFresh) await putOnDisk(destinationRoot);
  const knowsDigests = hashesCopies(attempt);
  if (knowsDigests) await prepareDigests();
  const comparison = {
    source: roots,
    destination: destinationRoot,
    by,
    keep,
    modifyWindow: windowSeconds,
    isFresh,
    knowsDigests,
    limits: shareLimits(attempt.limits ?? {}),
  };
  return { comparison, close: () => close(destinationRoot) };
}

/** One is done here, which saves starting another thread. */
export function startComparers(comparison: Comparison, threads: number, program: ThreadProgram): Comparers {
  if (threads === 1) return new InlineComparer(comparison);
  const crew = new JobThreads(program, { comparison }, threads, new AbortController().signal, heapMb);
  return { threads, run: (job) => crew.run(job), close: () => crew.close() };
}

class InlineComparer implements Comparers {
  readonly threads = 1;
  readonly #comparer: Comparer;

  constructor(comparison: Comparison) {
    this.#comparer = new Comparer(comparison);
  }

  async run<A>(job: CompareJob): Promise<A> {
    // Lets signals in
    await new Promise(setImmediate);
    return this.#comparer.answer(job) as A;
  }

  async close(): Promise<void> {
    this.#comparer.close();
  }
}
