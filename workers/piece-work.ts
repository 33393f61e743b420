import { bytesOf } from '../core/model/entry.ts';
import { classOf } from '../core/model/errno.ts';
import { addTally, type EntryOutcome, emptyTally, type PartOutcome } from '../core/model/outcome.ts';
import type { PartRange } from '../core/model/plan.ts';
import { RangeSet } from '../core/model/ranges.ts';
import { type ShardState, sizeOfVersion } from '../core/run/shard-state.ts';
import type { PlacedEntry } from '../core/run/tape-reader.ts';
import type { FileRequest, PartRequest, PartResult, Storage } from '../core/storage/storage.ts';
import type { Engine } from './engine.ts';
import { type Fate, isPassing } from './fate.ts';
import { type LargeEntry, LargeFile } from './large-file.ts';
import { pieceBytesFor, piecesOf } from './piece-size.ts';
import type { Recorder } from './recorder.ts';
import type { ShardParts } from './shard-work.ts';

export type Work = () => Promise<void>;

type Recorded = {
  readonly parts: readonly PartOutcome[];
  readonly had: RangeSet;
  /** The file's size, where something of it was recorded. */
  readonly bytes: number | undefined;
};

/** A piece, recorded, or the outcome of its file; undefined when it is left to the next worker. */
type Copied = PartOutcome | EntryOutcome | undefined;

const nothing: Recorded = { parts: [], had: new RangeSet(), bytes: undefined };
/** With so many pieces before them, no further large files should be looked for. */
const piecesAtMost = 64;
/** How often a large file is copied that changes meanwhile. */
const triesOfChanging = 3;

/**
 * The work on files that are copied in pieces: a shard's parts of divided files, which finish completes, and the large
 * files that lie wholly in it, which are completed here. Each piece is recorded, so that the next worker goes on there.
 */
export class PieceWork {
  readonly #state: ShardState;
  readonly #storage: Storage;
  readonly #engine: Engine;
  readonly #recorder: Recorder;
  readonly #fate: Fate;
  readonly #isForced: (ordinal: number) => boolean;
  readonly #step: number;
  /** Of large files; also what is left to do for one that has all its pieces. */
  readonly #waiting: Work[] = [];

  constructor(parts: ShardParts & { readonly fate: Fate }) {
    const { context, state, storage, engine, recorder, fate } = parts;
    this.#isForced = parts.isForced ?? (() => false);
    [this.#state, this.#storage, this.#engine] = [state, storage, engine];
    [this.#recorder, this.#fate] = [recorder, fate];
    this.#step = pieceBytesFor(context.attempt.limits);
  }

  get isFull(): boolean {
    return this.#waiting.length >= piecesAtMost;
  }

  /** The next piece of a large file, if there is any now. */
  next(): Work | undefined {
    return this.#waiting.shift();
  }

  /** What is left to do for a part of a divided file. */
  *ofPart({ ordinal, path, entry }: PlacedEntry, { from, to }: PartRange): Generator<Work> {
    if (entry.kind !== 'file') return;
    const { had, bytes = entry.bytes } = this.#recorded(ordinal, path);
    const request = { ordinal, path, bytes: entry.bytes, isDecided: this.#isForced(ordinal) };
    for (const piece of piecesOf({ from, to, bytes }, had, this.#step))
      yield () => this.#part({ ...request, ...piece });
  }

  #part(piece: PartRequest): Promise<void> {
    return this.#copy(piece, async (result) => {
      if (result !== undefined && 'outcome' in result) this.#fate.tell(result);
    });
  }

  /** Goes on with those of these entries of which earlier workers have recorded something, and says which they are. */
  resume(from: number, to: number, at: (ordinal: number) => PlacedEntry): ReadonlySet<number> {
    const begun = new Set<number>();
    const ordinals = new Set(this.#state.parts.map(({ ordinal }) => ordinal));
    for (const ordinal of ordinals) {
      if (ordinal < from || ordinal >= to || this.#state.isSettled(ordinal)) continue;
      const { path, entry } = at(ordinal);
      const recorded = this.#recorded(ordinal, path);
      if (recorded.parts.length === 0) continue;
      begun.add(ordinal);
      this.#begin({ ordinal, path, bytes: bytesOf(entry) }, recorded);
    }
    return begun;
  }

  begin(entry: LargeEntry): void {
    this.#begin(entry, nothing);
  }

  #begin(entry: LargeEntry, { parts, had, bytes = entry.bytes }: Recorded, tries = 1): void {
    // What nobody has recorded may be of another version
    if (parts.length === 0) this.#storage.discardParts(entry.ordinal, entry.path);
    const pieces = piecesOf({ from: 0, bytes }, had, this.#step);
    const file = new LargeFile(entry, { parts, pieces: pieces.length, tries });
    for (const piece of pieces)
      this.#waiting.push(() => this.#piece(file, { ...entry, ...piece, isDecided: true }));
    if (pieces.length === 0) this.#waiting.push(() => this.#complete(file));
  }

  #piece(file: LargeFile, piece: PartRequest): Promise<void> {
    const take = async (result: Copied) => {
      file.take(result);
      if (file.isOver) await this.#complete(file);
    };
    return file.outcome === undefined ? this.#copy(piece, take) : take(undefined);
  }

  /** Copies a piece, later again if need be, and goes on with what became of it. */
  async #copy(piece: PartRequest, take: (result: Copied) => Promise<void>): Promise<void> {
    const copy = () => this.#engine.copyPart(piece);
    const first = await copy();
    if (hasPassed(first)) return take(this.#record(first));
    this.#fate.later(async () => {
      const last = await this.#fate.tryAgain(first, copy, hasPassed);
      if (last !== undefined && !hasPassed(last)) this.#fate.wasInVain(1);
      await take(this.#record(last));
    });
  }

  #record(result: PartResult | undefined): Copied {
    if (result === undefined || 'stopped' in result) return undefined;
    if ('outcome' in result) return result.outcome;
    this.#recorder.takePart(result.part, result.ways);
    this.#fate.gotThrough();
    return result.part;
  }

  /** Gives a file its name when all pieces are there. One that has changed meanwhile is copied again. */
  async #complete({ outcome, completion, entry, tries }: LargeFile): Promise<void> {
    if (outcome !== undefined) return this.#giveUp(outcome);
    if (this.#fate.mustStop) return;
    const failed = completion === undefined ? changed(entry) : await this.#finish(completion);
    if (failed?.cause === 'CHANGED' && tries < triesOfChanging) this.#begin(entry, nothing, tries + 1);
    else if (failed !== undefined) this.#giveUp(failed);
  }

  /** Records the file as done, or says what became of it. */
  async #finish(completion: FileRequest): Promise<EntryOutcome | undefined> {
    const { finished, notes } = await this.#engine.finish([completion]);
    const one = finished[0]!;
    if (one.kind === 'outcome') return one.outcome;
    const { ordinal, bytes } = completion;
    const tallies = { copied: emptyTally(), skipped: emptyTally(), linked: emptyTally() };
    addTally(tallies[one.kind], { entries: 1, bytes });
    this.#recorder.takeGroup({ ranges: [{ from: ordinal, to: ordinal + 1, ...tallies }], notes });
    return undefined;
  }

  /** What may still become a file stays: the next worker goes on with it. */
  #giveUp(outcome: EntryOutcome): void {
    if (classOf(outcome.cause) === 'permanent') this.#storage.discardParts(outcome.ordinal, outcome.path);
    this.#fate.tell(outcome);
  }

  /** What was recorded of a file, of the version that the source has and in the temporary file that is still there. */
  #recorded(ordinal: number, path: string): Recorded {
    const parts = this.#state.parts.filter((part) => part.ordinal === ordinal && !part.same);
    if (parts.length === 0) return nothing;
    const { version, temporary } = this.#storage.dividedState(ordinal, path);
    const current = parts.filter((part) => part.version === version && part.temporary === temporary);
    if (current.length === 0) return nothing;
    const had = new RangeSet();
    for (const { from, to } of current) had.add(from, to);
    return { parts: current, had, bytes: sizeOfVersion(version) };
  }
}

function hasPassed(done: PartResult): boolean {
  return !('outcome' in done) || !isPassing(done.outcome);
}

function changed(entry: LargeEntry): EntryOutcome {
  return { ...entry, outcome: 'failed', cause: 'CHANGED', action: 'copy' };
}
