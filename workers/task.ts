import { classOf } from '../core/model/errno.ts';
import type { EntryOutcome } from '../core/model/outcome.ts';
import { partsOf, type Shard, wholeEntriesOf } from '../core/model/plan.ts';
import { RangeSet } from '../core/model/ranges.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import { isSuperseded } from '../core/run/journal-reader.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { readRunState } from '../core/run/run-state.ts';
import type { ShardState } from '../core/run/shard-state.ts';
import { TapeReader } from '../core/run/tape-reader.ts';
import type { EntryGroup, PartRequest, Storage } from '../core/storage/storage.ts';
import { type Engine, startEngine, type ThreadProgram } from './engine.ts';
import { groupSize } from './group-size.ts';
import { groupOfOne, groupsOf } from './groups.ts';
import { pieceBytes, pieceBytesFor } from './piece-size.ts';
import { Recorder } from './recorder.ts';
import { retryUntil } from './retry.ts';
import { openStorage, storageRequest, syncOf, type TaskContext } from './task-context.ts';
import type { TaskLog } from './task-log.ts';
import { countThreads } from './thread-count.ts';
import type { ThreadCount } from './thread-pool.ts';

export type TaskOptions = {
  readonly program: ThreadProgram;
  readonly log: TaskLog;
  readonly signal: AbortSignal;
};

/** Works on one shard: copies what its journals do not have yet, and says why it ended. */
export async function runTask(context: TaskContext, options: TaskOptions): Promise<JournalEnd['reason']> {
  const number = context.journal.shard as number;
  const shard = context.plan.shards[number]!;
  const state = (await readRunState(context.paths, context.plan, number)).shards[number]!;
  options.log.begin(context, state);
  const request = storageRequest(context, wholeEntriesOf(shard));
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
    for (const part of partsOf(this.#shard)) {
      const { path, entry } = tape.at(part.ordinal);
      if (entry.kind !== 'file') continue;
      const request = { ordinal: part.ordinal, path, bytes: entry.bytes };
      for (let from = part.from; from < (part.to ?? entry.bytes); from += step) {
        const to = Math.min(from + step, part.to ?? entry.bytes);
        const isLast = part.to === undefined && to === entry.bytes;
        yield isLast ? { ...request, from } : { ...request, from, to };
      }
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

  /** Another try of one entry after a passing fault. */
  async #again(group: EntryGroup, failed: EntryOutcome): Promise<void> {
    const one = groupOfOne(group, failed.ordinal);
    const copy = () => this.#engine.copyGroup(one);
    const result = await retryUntil(copy, ({ outcomes }) =>
      outcomes.every(({ cause }) => classOf(cause) !== 'transient'),
    );
    this.#hopeless ??= result.hopeless;
    this.#recorder.takeGroup(result);
    for (const outcome of result.outcomes) this.#tell(outcome);
  }

  async #part(piece: PartRequest): Promise<void> {
    if (this.#isRecorded(piece)) return;
    const copy = () => this.#engine.copyPart(piece);
    const result = await retryUntil(
      copy,
      (done) => 'part' in done || classOf(done.outcome.cause) !== 'transient',
    );
    if ('part' in result) return this.#recorder.takePart(result.part, result.ways);
    if (classOf(result.outcome.cause) === 'hopeless') this.#hopeless ??= result.outcome.cause;
    this.#tell(result.outcome);
  }

  /** True when this piece was recorded, for the version that the source has and in the file that is still there. */
  #isRecorded(piece: PartRequest): boolean {
    const parts = this.#state.parts.filter((part) => part.ordinal === piece.ordinal && !part.same);
    if (parts.length === 0) return false;
    const { version, temporary } = this.#storage.dividedState(piece.ordinal, piece.path);
    const had = new RangeSet();
    for (const part of parts)
      if (part.version === version && part.temporary === temporary) had.add(part.from, part.to);
    return had.covers(piece.from, piece.to ?? piece.bytes);
  }

  #tell(outcome: EntryOutcome): void {
    if (outcome.outcome === 'failed') this.#failures++;
    this.#recorder.takeOutcome(outcome);
    this.#options.log.outcome(outcome);
  }
}
