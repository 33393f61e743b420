import { isDone } from '../core/model/cost.ts';
import { bytesOf } from '../core/model/entry.ts';
import { type EntryOutcome, emptyTally } from '../core/model/outcome.ts';
import { partsOf, type Shard, wholeEntriesOf } from '../core/model/plan.ts';
import type { CopiedDigests } from '../core/run/copied-digests.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import type { PlainWriter } from '../core/run/plain-file.ts';
import type { ShardState } from '../core/run/shard-state.ts';
import { type PlacedEntry, TapeReader } from '../core/run/tape-reader.ts';
import type { EntryGroup, GroupOutcome, LookOutcome, Storage } from '../core/storage/storage.ts';
import type { Engine } from './engine.ts';
import { Fate, type FateParts, isPassing } from './fate.ts';
import { groupSize } from './group-size.ts';
import { entryOf, groupOfSome, groupsOf } from './groups.ts';
import { PieceWork, type Work } from './piece-work.ts';
import type { Recorder } from './recorder.ts';
import type { TaskContext } from './task-context.ts';

export type ShardParts = FateParts & {
  readonly context: TaskContext;
  readonly state: ShardState;
  /** True of a divided file of which nothing is left to be done; left out: of none. */
  readonly isFileSettled?: (ordinal: number) => boolean;
  /** True of a file that was found to differ: it is copied whatever is there. Left out: of none. */
  readonly isForced?: (ordinal: number) => boolean;
  readonly storage: Storage;
  /** Of whole files that are copied; left out where they are not hashed. */
  readonly digests?: CopiedDigests | undefined;
  /** Takes what is remembered of files that are copied; left out: nobody does. */
  readonly plain?: PlainWriter;
  /** True: what the scan saw of files is believed. */
  readonly looks?: boolean;
  /** True: what the scan has found to be the same still is. */
  readonly believesScan?: boolean;
};

const lookAtMost = 4096;
/** A look that leaves more than this share was in vain: so many times its entries are not looked at then. */
const inVain = 0.75;
const passedOver = 8;

/** The work of one task on its shard, whatever copies for it. Used once. */
export class ShardWork {
  readonly #context: TaskContext;
  readonly #shard: Shard;
  readonly #state: ShardState;
  readonly #isFileSettled: (ordinal: number) => boolean;
  readonly #engine: Engine;
  readonly #recorder: Recorder;
  readonly #fate: Fate;
  readonly #inPieces: PieceWork;
  readonly #digests: CopiedDigests | undefined;
  readonly #plain: PlainWriter | undefined;
  readonly #underWay = new Set<Promise<void>>();
  readonly #looks: boolean;
  readonly #believesScan: boolean;
  /** What looks have left. */
  readonly #left: EntryGroup[] = [];
  #lookAgainAt = 0;
  #isTapesTurn = false;

  constructor(parts: ShardParts) {
    this.#context = parts.context;
    this.#shard = parts.context.plan.shards[parts.context.journal.shard as number]!;
    this.#state = parts.state;
    this.#isFileSettled = parts.isFileSettled ?? (() => false);
    this.#engine = parts.engine;
    this.#looks = parts.looks === true;
    this.#believesScan = parts.believesScan === true;
    this.#recorder = parts.recorder;
    this.#digests = parts.digests;
    this.#plain = parts.plain;
    this.#fate = new Fate(parts);
    this.#inPieces = new PieceWork({ ...parts, fate: this.#fate });
  }

  async run(): Promise<JournalEnd['reason']> {
    const tape = new TapeReader(this.#context.paths);
    try {
      const works = this.#works(tape);
      while (!this.#fate.mustStop) {
        const work = this.#next(works);
        if (work !== undefined) await this.#start(work);
        else if (this.#isBusy) await this.#answer();
        else break;
      }
      if (this.#fate.mustStop) this.#fate.halt();
      while (this.#isBusy) await this.#answer();
    } finally {
      tape.close();
    }
    this.#fate.throwBroken();
    await this.#recorder.checkpoint();
    return this.#fate.reason;
  }

  get #isBusy(): boolean {
    return this.#underWay.size + this.#fate.waiting.size > 0;
  }

  /** Pieces of large files and what comes next on the tape take turns, so that neither waits for all of the other. */
  #next(works: Iterator<Work>): Work | undefined {
    this.#isTapesTurn = !this.#isTapesTurn && !this.#inPieces.isFull;
    const piece = this.#isTapesTurn ? undefined : this.#inPieces.next();
    if (piece !== undefined) return piece;
    const left = this.#left.shift();
    if (left !== undefined) return () => this.#group(left);
    const next = works.next();
    return next.done ? this.#inPieces.next() : next.value;
  }

  /** Parts first: they are the longest. */
  *#works(tape: TapeReader): Generator<Work> {
    for (const part of partsOf(this.#shard))
      if (!this.#isFileSettled(part.ordinal)) yield* this.#inPieces.ofPart(tape.at(part.ordinal), part);
    const { from, to } = wholeEntriesOf(this.#shard);
    if (from >= to) return;
    const { engine, looks } = { engine: this.#engine, looks: this.#looks };
    if (looks && engine.look !== undefined)
      return yield* this.#looksAt(tape, from, to, engine.look.bind(engine));
    const entries = this.#shard.start.byte > 0 ? tape.between(from, to) : tape.entries(this.#shard.start, to);
    const begun = this.#inPieces.resume(from, to, (ordinal) => tape.at(ordinal));
    const isSettled = (placed: PlacedEntry) =>
      this.#state.isSettled(placed.ordinal) || begun.has(placed.ordinal) || this.#takeSame(placed);
    const size = (ordinal: number) => {
      const { threads, msPerEntry } = this.#engine;
      return groupSize({ entriesLeft: to - ordinal, threads, msPerEntry });
    };
    for (const group of groupsOf(entries, isSettled, size)) yield () => this.#group(group);
  }

  /** By what the scan saw, as many at once as go quickly; what is left is cut into groups. */
  *#looksAt(tape: TapeReader, from: number, to: number, look: NonNullable<Engine['look']>): Generator<Work> {
    for (let at = from; at < to; ) {
      const begin = at;
      const { threads, msPerEntry } = this.#engine;
      at = Math.min(
        to,
        begin + groupSize({ entriesLeft: to - begin, threads, msPerEntry, atMost: lookAtMost }),
      );
      const end = at;
      if (begin < this.#lookAgainAt) {
        const size = () => groupSize({ entriesLeft: to - begin, threads, msPerEntry });
        const isSame = (placed: PlacedEntry) => this.#takeSame(placed);
        for (const group of groupsOf(tape.between(begin, end), isSame, size)) yield () => this.#group(group);
      } else yield async () => this.#takeLook(tape, begin, end, await look(tape.seenRequest(begin, end)));
    }
  }

  #takeLook(tape: TapeReader, from: number, to: number, { ranges, left }: LookOutcome): void {
    this.#recorder.takeGroup({ ranges });
    if (ranges.some(({ skipped }) => skipped.entries > 0)) this.#fate.gotThrough();
    if (left.length === 0 || this.#fate.mustStop) return;
    if (left.length > (to - from) * inVain) this.#lookAgainAt = to + (to - from) * passedOver;
    const isLeft = new Set(left);
    const { threads, msPerEntry } = this.#engine;
    const size = () => groupSize({ entriesLeft: left.length, threads, msPerEntry });
    const isSame = (placed: PlacedEntry) => isLeft.has(placed.ordinal) && this.#takeSame(placed);
    for (const group of groupsOf(tape.between(from, to), isSame, size))
      this.#left.push(...leftOf(group, isLeft));
  }

  /**
   * Records what the scan has found to be the same, and was too little for a journal of its own; true of that. To look at it again could
   * change its directory, of which finish believes as much.
   */
  #takeSame({ ordinal, entry }: PlacedEntry): boolean {
    if (!this.#believesScan || !isDone(entry)) return false;
    const skipped = { entries: 1, bytes: bytesOf(entry) };
    const range = { from: ordinal, to: ordinal + 1, copied: emptyTally(), skipped, linked: emptyTally() };
    this.#recorder.takeGroup({ ranges: [range] });
    return true;
  }

  /** Starts a piece of work as soon as the threads have little left. */
  async #start(work: Work): Promise<void> {
    const promise = work().catch((error: Error) => this.#fate.broken(error));
    this.#underWay.add(promise);
    void promise.then(() => this.#underWay.delete(promise));
    this.#recorder.keepUp();
    while (this.#underWay.size >= this.#engine.appetite || this.#fate.hasManyWaiting) await this.#answer();
  }

  /** Waits until some work is done; checkpoints are made meanwhile. */
  async #answer(): Promise<void> {
    await Promise.race([...this.#underWay, ...this.#fate.waiting]);
    this.#recorder.keepUp();
  }

  async #group(group: EntryGroup): Promise<void> {
    const passing = this.#take(group, await this.#engine.copyGroup(group));
    if (passing.length > 0) this.#fate.later(() => this.#again(group, passing));
  }

  /** Other tries of entries that have met a passing fault. */
  async #again(group: EntryGroup, failed: readonly EntryOutcome[]): Promise<void> {
    let left = failed;
    const copy = async () => {
      const some = groupOfSome(
        group,
        left.map(({ ordinal }) => ordinal),
      );
      left = this.#take(some, await this.#engine.copyGroup(some));
      return left;
    };
    const last = await this.#fate.tryAgain(failed, copy, ({ length }) => length === 0);
    for (const outcome of last ?? []) this.#fate.tell(outcome);
    this.#fate.wasInVain(last?.length ?? 0);
  }

  /** Records what became of a group, and returns the entries that may fare better later. */
  #take(group: EntryGroup, outcome: GroupOutcome): readonly EntryOutcome[] {
    this.#digests?.take(outcome.digests);
    if (outcome.plain !== undefined) this.#plain?.add(outcome.plain);
    this.#recorder.takeGroup(outcome);
    if (outcome.ranges.some(({ copied, skipped }) => copied.entries + skipped.entries > 0))
      this.#fate.gotThrough();
    for (const ordinal of outcome.large ?? []) this.#inPieces.begin({ ordinal, ...entryOf(group, ordinal) });
    for (const entry of outcome.outcomes) if (!isPassing(entry)) this.#fate.tell(entry);
    return outcome.outcomes.filter(isPassing);
  }
}

/** What is left of a group, as one that leaves the others out. */
function leftOf(group: EntryGroup, isLeft: ReadonlySet<number>): EntryGroup[] {
  const ordinals: number[] = [];
  for (let ordinal = group.from; ordinal < group.to; ordinal++)
    if (isLeft.has(ordinal)) ordinals.push(ordinal);
  if (ordinals.length === 0) return [];
  return ordinals.length === group.to - group.from ? [group] : [groupOfSome(group, ordinals)];
}
