import { isComplete } from '../core/model/account.ts';
import { classOf } from '../core/model/errno.ts';
import { type DoneRange, emptyTally, type PartOutcome } from '../core/model/outcome.ts';
import { dividedFiles, type Totals } from '../core/model/plan.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { hasVanished, partsOfFile, type RunState, readRunState } from '../core/run/run-state.ts';
import { type PlacedEntry, TapeReader } from '../core/run/tape-reader.ts';
import { writeReport } from '../core/run/write-report.ts';
import type { FileRequest, FinishedEntry, Storage } from '../core/storage/storage.ts';
import { announcedJob } from './announced-job.ts';
import { startEngine } from './engine.ts';
import { type CrewParts, FinishCrew, hasPassingFault } from './finish-crew.ts';
import { completeTree } from './finish-tree.ts';
import { linkedFrom } from './first-names.ts';
import { completionOf } from './large-file.ts';
import { removeLeftovers } from './leftovers.ts';
import { believesScan } from './may-look.ts';
import { openStorage } from './open-storage.ts';
import { Recorder } from './recorder.ts';
import { patienceFor, tryAgain } from './retry.ts';
import type { TaskOptions } from './task.ts';
import { storageRequest, syncOf, type TaskContext } from './task-context.ts';
import type { TaskLog } from './task-log.ts';
import { countThreads } from './thread-count.ts';

/**
 * What follows all tasks: divided files get their names, further names of files are made, directories get their
 * modes and times, deepest first, what killed workers left is removed, and JOBID.log and JOBID.err are written.
 * Idempotent: a next attempt does it again. True when everything is at the destination.
 */
export async function runFinish(
  context: TaskContext,
  { log, program, signal }: TaskOptions,
): Promise<boolean> {
  const everything = { from: 0, to: context.plan.totals.entries };
  const request = storageRequest(context, undefined);
  const storage = openStorage(request);
  const journal = await JournalWriter.create(context.paths, context.info.id, context.journal, context.job);
  const recorder = new Recorder({
    sync: syncOf(context, storage),
    append: (records) => journal.append(records),
    isSuperseded: async () => false,
    checkpointMs: context.attempt.checkpointSeconds * 1000,
  });
  const tape = new TapeReader(context.paths);
  const crew = new FinishCrew({
    storage,
    startEngine: (threads) => startEngine({ first: threads, most: threads }, storage, request, program),
    takeNotes: (notes) => recorder.takeGroup({ ranges: [], notes }),
    patience: { ...patienceFor(context.attempt.tries), signal },
    ...crewFor(context),
  });
  try {
    const state = await readRunState(context.paths, context.plan);
    const work = new FinishWork({ context, state, storage, recorder, tape, log, crew, signal });
    await work.completeFiles();
    // Before directories get their times, which any later change in them would spoil
    removeLeftovers(tape, storage, context.plan, state, everything);
    await work.completeTree();
    recorder.takeGroup({ ranges: [], notes: storage.takeNotes(), ways: storage.takeWays() });
    await recorder.checkpoint();
    // Who waits for the end line reads the report next
    const isWhole = await reportFinish(context);
    await journal.end(isWhole ? 'complete' : work.reason);
    return isWhole;
  } finally {
    await crew.close();
    await journal.close();
    tape.close();
    storage.close();
  }
}

/** Where the user has said how many threads each worker has, finish asks for no more at once than all workers would. */
function crewFor({
  plan,
  attempt,
  cpus,
  memoryMB,
}: TaskContext): Pick<CrewParts, 'expected' | 'threads' | 'callsAtOnce'> {
  const expected = plan.totals.directories + plan.totals.links;
  const needs = { fixed: attempt.threads, cpus, memoryMB, entries: expected, pieces: 0 };
  const callsAtOnce = attempt.threads === undefined ? undefined : attempt.threads * attempt.workers;
  return { expected, threads: countThreads(needs).most, callsAtOnce };
}

/** Writes JOBID.log and JOBID.err; true when everything is at the destination. */
export async function reportFinish(context: TaskContext): Promise<boolean> {
  return isComplete(await writeReport({ ...context, job: await announcedJob(context) }));
}

type FinishParts = {
  readonly context: TaskContext;
  readonly state: RunState;
  readonly storage: Storage;
  readonly recorder: Recorder;
  readonly tape: TapeReader;
  readonly log: TaskLog;
  readonly crew: FinishCrew;
  readonly signal: AbortSignal;
};

class FinishWork {
  readonly #parts: FinishParts;
  readonly #firsts: ReturnType<typeof linkedFrom>;
  #isHopeless = false;

  constructor(parts: FinishParts) {
    this.#parts = parts;
    this.#firsts = linkedFrom(parts);
  }

  /** Why not everything is there. */
  get reason(): JournalEnd['reason'] {
    if (this.#isHopeless) return 'hopeless';
    return this.#parts.signal.aborted ? 'cut off' : 'failures';
  }

  get #mustStop(): boolean {
    return this.#isHopeless || this.#parts.signal.aborted;
  }

  async completeFiles(): Promise<void> {
    const { context, state, storage, recorder, tape } = this.#parts;
    for (const [ordinal, shards] of dividedFiles(context.plan)) {
      const earlier = state.finish.files.get(ordinal);
      if (earlier !== undefined) {
        recorder.takeRecord({ type: 'file', ordinal, ...earlier });
        continue;
      }
      if (this.#mustStop) continue;
      // What an earlier finish said of it is said again below, or is not so any more
      state.finish.outcomes.delete(ordinal);
      const request = fileRequest(tape.at(ordinal), partsOfFile(state, shards, ordinal));
      const isSettled =
        request === undefined ? hasVanished(state, shards, ordinal) : await this.#completeFile(request);
      if (isSettled) storage.discardParts(ordinal, tape.at(ordinal).path);
    }
  }

  /** True when nothing needs its parts any more. */
  async #completeFile(request: FileRequest): Promise<boolean> {
    const { state, storage, recorder } = this.#parts;
    const { ordinal, bytes } = request;
    const finished = await this.#patiently(() => storage.completeFile(request));
    if (finished.kind === 'outcome') {
      this.#tell(finished);
      state.finish.outcomes.set(ordinal, finished.outcome);
      return finished.outcome.outcome === 'vanished';
    }
    const outcome = finished.kind === 'skipped' ? 'skipped' : 'copied';
    recorder.takeRecord({ type: 'file', ordinal, outcome, bytes });
    state.finish.files.set(ordinal, { outcome, bytes });
    return true;
  }

  async completeTree(): Promise<void> {
    if (this.#mustStop) return;
    const { context, storage, recorder, tape, crew } = this.#parts;
    const believes = believesScan(context, Date.now());
    if (believes && context.plan.isAlike) {
      recorder.takeGroup({ ranges: [allSkipped(context.plan.totals)] });
      return;
    }
    await completeTree(tape.blocksBackwards(), {
      crew,
      recorder,
      link: this.#firsts.link,
      tell: (finished) => this.#tell(finished),
      mustStop: () => this.#mustStop,
      believesScan: believes,
      isLater: context.journal.attempt > 1 || context.journal.restart > 0,
      removeLeftovers: (directory) => storage.removeLeftovers(directory, 0, context.plan.totals.entries),
    });
  }

  async #patiently(work: () => FinishedEntry): Promise<FinishedEntry> {
    const patience = { ...patienceFor(this.#parts.context.attempt.tries), signal: this.#parts.signal };
    return tryAgain(
      work(),
      async () => work(),
      (one) => !hasPassingFault(one),
      patience,
    );
  }

  #tell(finished: Extract<FinishedEntry, { kind: 'outcome' }>): void {
    this.#isHopeless ||= classOf(finished.outcome.cause) === 'hopeless';
    this.#parts.recorder.takeOutcome(finished.outcome);
    this.#parts.log.outcome(finished.outcome);
  }
}

/** Of what is finish's affair. */
function allSkipped({ entries, directories, links }: Totals): DoneRange {
  const [copied, linked] = [emptyTally(), emptyTally()];
  return { from: 0, to: entries, copied, skipped: { entries: directories + links, bytes: 0 }, linked };
}

/** A request for a divided file whose parts are all there in one version; undefined while any is missing. */
function fileRequest(
  { ordinal, path, entry }: PlacedEntry,
  parts: readonly PartOutcome[],
): FileRequest | undefined {
  return entry.kind === 'file' ? completionOf({ ordinal, path, bytes: entry.bytes }, parts) : undefined;
}
