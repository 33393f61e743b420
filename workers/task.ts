import { classOf } from '../core/model/errno.ts';
import type { EntryOutcome } from '../core/model/outcome.ts';
import { partsOf, type Shard, wholeEntriesOf } from '../core/model/plan.ts';
import { RangeSet } from '../core/model/ranges.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import { isSuperseded } from '../core/run/journal-reader.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { readRunState } from '../core/run/run-state.ts';
import { type ShardState, sizeOfVersion } from '../core/run/shard-state.ts';
import { TapeReader } from '../core/run/tape-reader.ts';
import { newStopFlag } from '../core/storage/posix/stop-flag.ts';
import type { EntryGroup, GroupOutcome, PartRequest, PartResult, Storage } from '../core/storage/storage.ts';
import { type Engine, startEngine, type ThreadProgram } from './engine.ts';
import { groupSize } from './group-size.ts';
import { groupOfOne, groupsOf } from './groups.ts';
import { pieceBytes, pieceBytesFor, piecesOf } from './piece-size.ts';
import { Recorder } from './recorder.ts';
import { type Patience, patience, tryAgain } from './retry.ts';
import { openStorage, storageRequest, syncOf, type TaskContext } from './task-context.ts';
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
  const state = (await readRunState(context.paths, context.plan, number)).shards[number]!;
  options.log.begin(context, state);
  const stop = shard.bytes > soonCopied ? newStopFlag() : undefined;
  const request = { ...storageRequest(context, wholeEntriesOf(shard)), stop };
  const storage = openStorage(request);
  const journal = await JournalWriter.create(context.paths, context.info.id, context.journal, context.job);
  const recorder = new Recorder({
    sync: syncOf(context, storage),
    append: (records) => journal.append(records),
    isSuperseded: () => isSuperseded(context.paths, context.journal),
    checkpointMs: context.attempt.checkpointSeconds * 1000,
  });
  const engine = startEngine(threadsFor(context, state), storage, request, options.program);
  try {
    const work = new ShardWork({ context, state, storage, engine, recorder, options });
    const reason = await work.run();
    await journal.end(reason);
    return reason;
  } finally {
    await engine.close();
    storage.close();
  }
}

/** As many threads as what is left to do can use. */
function threadsFor({ attempt, plan, journal, cpus, memoryMB }: TaskContext, state: ShardState): ThreadCount {
  const shard = plan.shards[journal.shard as number]!;
  const entries = shard.entries - state.copied.entries - state.skipped.entries;
  const pieces = Math.ceil(shard.bytes / pieceBytes);
  return countThreads({ fixed: attempt.threads, cpus, memoryMB, entries, pieces });
}

const nothing: GroupOutcome = {
  ranges: [],
  outcomes: [],
  notes: new Map(),
  ways: new Map(),
  hopeless: undefined,
};

export type ShardParts = {
  readonly context: TaskContext;
  readonly state: ShardState;
  readonly storage: Storage;
  readonly engine: Engine;
  readonly recorder: Recorder;
  readonly options: TaskOptions;
};

/** The work of one task on its shard, whatever copies for it. Used once. */
export class ShardWork {
  readonly #context: TaskContext;
  readonly #shard: Shard;
  readonly #state: ShardState;
  readonly #storage: Storage;
  readonly #engine: Engine;
  readonly #recorder: Recorder;
  readonly #options: TaskOptions;
  readonly #underWay = new Set<Promise<void>>();
  #failures = 0;
  #hopeless: string | undefined;
  #broken: Error | undefined;

  constructor({ context, state, storage, engine, recorder, options }: ShardParts) {
    this.#context = context;
    this.#shard = context.plan.shards[context.journal.shard as number]!;
    this.#state = state;
    this.#storage = storage;
    this.#engine = engine;
    this.#recorder = recorder;
    this.#options = options;
  }

  async run(): Promise<JournalEnd['reason']> {
    const { signal } = this.#options;
    const stop = () => this.#engine.stop();
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await this.#run();
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async #run(): Promise<JournalEnd['reason']> {
    const tape = new TapeReader(this.#context.paths);
    try {
      for (const work of this.#works(tape)) {
        if (this.#mustStop) break;
        await this.#start(work);
      }
    } finally {
      tape.close();
    }
    await Promise.all(this.#underWay);
    if (this.#broken !== undefined) throw this.#broken;
    await this.#recorder.checkpoint();
    return this.#reason;
  }

  get #mustStop(): boolean {
    const { signal } = this.#options;
    return (
      signal.aborted ||
      this.#hopeless !== undefined ||
      this.#broken !== undefined ||
      this.#recorder.hasFailed ||
      this.#recorder.isSuperseded
    );
  }

  get #patience(): Patience {
    return { ...patience, signal: this.#options.signal };
  }

  get #reason(): JournalEnd['reason'] {
    if (this.#recorder.isSuperseded) return 'superseded';
    if (this.#hopeless !== undefined) return 'hopeless';
    if (this.#options.signal.aborted) return 'cut off';
    return this.#failures > 0 ? 'failures' : 'complete';
  }

  /** Parts first: they are the longest. */
  *#works(tape: TapeReader): Generator<() => Promise<void>> {
    for (const piece of this.#pieces(tape)) yield () => this.#part(piece);
    const { from, to } = wholeEntriesOf(this.#shard);
    if (from >= to) return;
    const entries = this.#shard.start.byte > 0 ? tape.between(from, to) : tape.entries(this.#shard.start, to);
    const isSettled = (ordinal: number) => this.#state.isSettled(ordinal);
    const size = (ordinal: number) => {
      const { threads, msPerEntry } = this.#engine;
      return groupSize({ entriesLeft: to - ordinal, threads, msPerEntry });
    };
    for (const group of groupsOf(entries, isSettled, size)) yield () => this.#group(group);
  }

  *#pieces(tape: TapeReader): Generator<PartRequest> {
    const step = pieceBytesFor(this.#context.attempt.limits);
    for (const { ordinal, ...part } of partsOf(this.#shard)) {
      const { path, entry } = tape.at(ordinal);
      if (entry.kind !== 'file') continue;
      const { had, bytes } = this.#recorded(ordinal, path);
      for (const piece of piecesOf({ ...part, bytes: bytes ?? entry.bytes }, had, step))
        yield { ordinal, path, bytes: entry.bytes, ...piece };
    }
  }

  /** Starts a piece of work as soon as the threads have little left; checkpoints are made meanwhile. */
  async #start(work: () => Promise<void>): Promise<void> {
    const promise = work().catch((error: Error) => {
      this.#broken ??= error;
    });
    this.#underWay.add(promise);
    void promise.then(() => this.#underWay.delete(promise));
    while (this.#underWay.size >= this.#engine.appetite) await Promise.race(this.#underWay);
    this.#recorder.keepUp();
  }

  async #group(group: EntryGroup): Promise<void> {
    const outcome = await this.#engine.copyGroup(group);
    this.#hopeless ??= outcome.hopeless;
    this.#recorder.takeGroup(outcome);
    for (const entry of outcome.outcomes) {
      if (classOf(entry.cause) === 'transient' && entry.action !== 'scan') await this.#again(group, entry);
      else this.#tell(entry);
    }
  }

  /** Another try of one entry after a passing fault; when all is to stop first, it is left to the next worker. */
  async #again(group: EntryGroup, failed: EntryOutcome): Promise<void> {
    const one = groupOfOne(group, failed.ordinal);
    const copy = () => this.#engine.copyGroup(one);
    const isFinal = ({ outcomes }: Pick<GroupOutcome, 'outcomes'>) =>
      outcomes.every(({ cause }) => classOf(cause) !== 'transient');
    const first: GroupOutcome = { ...nothing, outcomes: [failed] };
    const result = await tryAgain(first, copy, isFinal, this.#patience);
    if (this.#options.signal.aborted && !isFinal(result)) return;
    this.#hopeless ??= result.hopeless;
    this.#recorder.takeGroup(result);
    for (const outcome of result.outcomes) this.#tell(outcome);
  }

  async #part(piece: PartRequest): Promise<void> {
    const copy = () => this.#engine.copyPart(piece);
    const isFinal = (done: PartResult) => !('outcome' in done) || classOf(done.outcome.cause) !== 'transient';
    const result = await tryAgain(await copy(), copy, isFinal, this.#patience);
    if ('stopped' in result || (this.#options.signal.aborted && !isFinal(result))) return;
    if ('part' in result) return this.#recorder.takePart(result.part, result.ways);
    if (classOf(result.outcome.cause) === 'hopeless') this.#hopeless ??= result.outcome.cause;
    this.#tell(result.outcome);
  }

  /**
   * What was recorded of a file that is copied in pieces, of the version that the source has and in the file that is
   * still there; and that version's size, when there is anything.
   */
  #recorded(ordinal: number, path: string): { had: RangeSet; bytes: number | undefined } {
    const had = new RangeSet();
    const parts = this.#state.parts.filter((part) => part.ordinal === ordinal && !part.same);
    if (parts.length === 0) return { had, bytes: undefined };
    const { version, temporary } = this.#storage.dividedState(ordinal, path);
    const current = parts.filter((part) => part.version === version && part.temporary === temporary);
    for (const { from, to } of current) had.add(from, to);
    return { had, bytes: current.length > 0 ? sizeOfVersion(version) : undefined };
  }

  #tell(outcome: EntryOutcome): void {
    if (outcome.outcome === 'failed') this.#failures++;
    this.#recorder.takeOutcome(outcome);
    this.#options.log.outcome(outcome);
  }
}
