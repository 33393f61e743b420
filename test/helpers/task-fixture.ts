import type { Plan } from '../../core/model/plan.ts';
import type { Attempt } from '../../core/run/attempt-file.ts';
import type { RunInfo } from '../../core/run/run-info.ts';
import type { JournalName } from '../../core/run/run-paths.ts';
import { TapeReader } from '../../core/run/tape-reader.ts';
import type { TaskContext } from '../../workers/task-context.ts';
import { TaskLog } from '../../workers/task-log.ts';
import { journalName, makeRun, planRun, type RunFixture } from './run-fixture.ts';
import { makeTwoTrees, requestFor, scanned, type TwoTrees } from './storage-trees.ts';

/** A run over two trees, scanned and planned: what a worker finds. */
export type TaskFixture = {
  readonly trees: TwoTrees;
  readonly run: RunFixture;
  readonly plan: Plan;
  readonly context: (journal?: JournalName) => TaskContext;
  readonly remove: () => void;
};

export const attemptOf = (attempt: number): Attempt => ({
  attempt,
  createdAt: '2026-01-02T03:04:00.000Z',
  scheduler: 'slurm',
  queue: 'long',
  workers: 4,
  cpus: 1,
  threads: 1,
  checkpointSeconds: 30,
  arrays: [{ number: 0, base: 0, tasks: [0] }],
});

export function infoOf(trees: Pick<TwoTrees, 'source' | 'destination'>, inode: string): RunInfo {
  return {
    format: 1,
    id: 'r1',
    version: '0.1.0',
    createdAt: '2026-01-02T03:03:00.000Z',
    host: 'login1',
    uid: 1000,
    source: { path: trees.source, given: 'mydir', inode },
    destination: { path: trees.destination, given: '/gws/b/dest', inode: '2', isNew: false },
    command: ['bcopy', '-s', 'mydir', '-d', '/gws/b/dest'],
    options: {},
  };
}

/** `fill` puts something into the source first. */
export async function makeTask(
  fill: (trees: TwoTrees) => Promise<void>,
  shards = 1,
  partBytes?: number,
): Promise<TaskFixture> {
  const trees = makeTwoTrees();
  await fill(trees);
  const entries = scanned(trees.source).map(({ entry }) => entry);
  const run = makeRun(entries);
  const plan = planRun(run.paths, entries, shards, partBytes);
  const info = infoOf(trees, requestFor(trees).sourceInode);
  const context = (journal = journalName(0)): TaskContext => {
    const attempt = attemptOf(journal.attempt);
    return {
      paths: run.paths,
      info,
      plan,
      attempt,
      journal,
      job: '101_0',
      cpus: 1,
      memoryMB: undefined,
      hasDoubts: false,
    };
  };
  const remove = () => {
    run.remove();
    trees.remove();
  };
  return { trees, run, plan, context, remove };
}

export function withTape<T>(run: RunFixture, work: (tape: TapeReader) => T): T {
  const tape = new TapeReader(run.paths);
  try {
    return work(tape);
  } finally {
    tape.close();
  }
}

/** A log that keeps what was said. */
export function keptLog(): { log: TaskLog; lines: string[] } {
  const lines: string[] = [];
  const keep = (line: string) => void lines.push(line);
  return { log: new TaskLog(keep, keep), lines };
}
