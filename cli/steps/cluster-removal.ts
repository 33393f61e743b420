import type { Totals } from '../../core/model/plan.ts';
import type { Kept } from '../../core/model/removal.ts';
import { readUnlinked } from '../../core/run/unlinked-state.ts';
import type { TreeCount } from '../../core/storage/posix/count-tree.ts';
import { identityOfDoomed } from '../../core/storage/posix/doomed-tree.ts';
import { close, nativeName } from '../../core/storage/posix/libc.ts';
import { openExistingDirectory } from '../../core/storage/posix/open-directory.ts';
import { copyProgress } from '../output/progress.ts';
import { removeRun } from './create-run.ts';
import { type Copy, type ReadyRun, type SubmittedRun, submitRun } from './submit-run.ts';
import { treeAt } from './tree-at.ts';
import { onlyTree, planTreeRun, type TreeJobs } from './tree-run.ts';
import { waitForRun } from './wait-for-run.ts';

/** What was removed of a tree, and what stays of it, by paths below the tree. */
export type RemovedByTasks = {
  readonly entries: number;
  readonly kept: readonly Kept[];
  /** True when nothing has to be removed any more. */
  readonly isGone: boolean;
  readonly job: string;
};

/** A directory that is to go by the work of tasks. It is planned first: then its counts are known. */
export class ClusterRemoval {
  readonly #jobs: TreeJobs;
  readonly #copy: Copy;
  readonly #run: ReadyRun;
  /** Of the directory that was counted; no other is removed. */
  readonly #identity: string;
  #submitted: SubmittedRun | undefined;

  private constructor(jobs: TreeJobs, copy: Copy, run: ReadyRun, identity: string) {
    [this.#jobs, this.#copy, this.#run, this.#identity] = [jobs, copy, run, identity];
  }

  /** Scans the directory that has a name in an open one. Throws a SystemError when it cannot be opened. */
  static async plan(parent: number, name: string, given: string, jobs: TreeJobs): Promise<ClusterRemoval> {
    const fd = openExistingDirectory(parent, nativeName(name));
    try {
      const tree = treeAt(fd, given);
      const destination = treeAt(parent, given);
      const request = { purpose: 'remove', tree, destination, oneFileSystem: true } as const;
      const { copy, run } = await planTreeRun(request, jobs);
      return new ClusterRemoval(jobs, copy, run, identityOfDoomed(fd));
    } finally {
      close(fd);
    }
  }

  get count(): TreeCount {
    return countOf(this.#run.plan.totals);
  }

  /** Nothing is to be removed after all. */
  async abandon(): Promise<void> {
    if (this.#submitted === undefined) await removeRun(this.#run.paths);
  }

  async submit(): Promise<SubmittedRun> {
    const remove = { identity: this.#identity };
    this.#submitted = await submitRun(this.#copy, this.#run, { ...onlyTree, phase: 'remove', remove });
    return this.#submitted;
  }

  /** Waits until the tasks, and finish, have come to their end. */
  async wait(): Promise<RemovedByTasks> {
    const { scheduler, context } = this.#jobs;
    const { note } = this.#copy;
    const progress = copyProgress(context.stderr, this.#run.plan.totals.entries);
    const waiting = { scheduler, signal: context.signal, note, onStatus: progress.show, what: 'the job' };
    const waited = waitForRun(this.#run.id, this.#run.attempt, waiting);
    const { run } = await waited.finally(() => progress.end());
    const { entries, stays, gone } = await readUnlinked(run.paths, this.#run.plan);
    const isGone = gone?.stays === 0;
    // Who was killed could not tell all
    const removed = isGone ? this.#run.plan.totals.entries : entries;
    return { entries: removed, kept: stays, isGone, job: this.#submitted!.job };
  }
}

function countOf({ directories, files, links, symlinks, specials, unreadable, bytes }: Totals): TreeCount {
  return { directories, others: files + links + symlinks + specials, bytes, closed: unreadable };
}
