import type { Difference } from '../core/model/difference.ts';
import { bytesOf } from '../core/model/entry.ts';
import { fullFidelity, type KeepWord, leftOutNotes } from '../core/model/fidelity.ts';
import { addTally, emptyTally } from '../core/model/outcome.ts';
import { type Shard, wholeEntriesOf } from '../core/model/plan.ts';
import { RangeSet } from '../core/model/ranges.ts';
import type { DiffersLine, JournalEnd, JournalRecord } from '../core/run/journal-lines.ts';
import { recordedIn } from '../core/run/recorded-entries.ts';
import type { RunState } from '../core/run/run-state.ts';
import type { ShardState } from '../core/run/shard-state.ts';
import { type PlacedEntry, TapeReader } from '../core/run/tape-reader.ts';
import type { Comparers } from './comparison.ts';
import type { KnownDigests } from './known-digests.ts';
import { hasty, type Patience, patienceFor } from './retry.ts';
import type { TaskOptions } from './task.ts';
import type { TaskContext } from './task-context.ts';
import { differenceOf } from './verify-content.ts';
import type { ComparedEntries } from './verify-entries.ts';
import { extrasIn } from './verify-extras.ts';
import { VerifyDivided } from './verify-parts.ts';
import { comparePatiently, isPassing } from './verify-patience.ts';
import type { VerifyRecords } from './verify-records.ts';

export type VerifyParts = {
  readonly context: TaskContext;
  readonly state: RunState;
  /** The attempt that has begun the comparison. */
  readonly since: number;
  readonly comparers: Comparers;
  /** Undefined: both sides of everything are read. */
  readonly known: KnownDigests | undefined;
  readonly keep: readonly KeepWord[];
  readonly records: VerifyRecords;
  readonly options: TaskOptions;
};

/** So many entries are compared together, fewer when they are large. */
const entriesAtMost = 64;
const bytesAtMost = 256 * 1024 * 1024;
/** So many of these for each thread are under way. */
const aheadOfThreads = 3;

/** So many of these in a row in which something was read in vain are a storm: while it lasts, there is one wait for each. */
const storm = 4;

/** The work of one task that compares its shard. Used once. */
export class VerifyWork {
  readonly #parts: VerifyParts;
  readonly #shard: Shard;
  readonly #own: ShardState;
  readonly #tape: TapeReader;
  readonly #isRecorded: (placed: PlacedEntry) => boolean;
  readonly #comparesAll: boolean;
  readonly #skipsSymlinks: boolean;
  /** What only root can make was left out, and told then. */
  readonly #lacksDevices: boolean;
  readonly #verified: RangeSet;
  readonly #underWay = new Set<Promise<void>>();
  #broken: Error | undefined;
  #inVain = 0;
  #found: 'complete' | 'differences' | 'failures' = 'complete';

  constructor(parts: VerifyParts) {
    const { context, state, since } = parts;
    const { info, plan, attempt } = context;
    const number = context.journal.shard as number;
    this.#parts = parts;
    this.#shard = plan.shards[number]!;
    this.#own = state.shards[number]!;
    this.#tape = new TapeReader(context.paths);
    this.#comparesAll = info.purpose === 'verify';
    this.#isRecorded = recordedIn(plan, state, number);
    this.#skipsSymlinks = (attempt.fidelity ?? fullFidelity).symlinks === 'skip';
    this.#lacksDevices = state.notes.has(leftOutNotes.device);
    this.#verified = state.verification.since === since ? state.verification.verified : new RangeSet();
    if ([...this.#openHere()].length > 0) this.#found = 'differences';
  }

  async run(): Promise<JournalEnd['reason']> {
    try {
      for await (const work of this.#divided().works()) await this.#start(work);
      for (const entries of this.#batches()) await this.#start(() => this.#batch(entries));
      await this.#end();
      if (this.#parts.context.attempt.verify!.extras === true && !this.#mustStop) await this.#extras();
    } finally {
      this.#tape.close();
    }
    if (this.#broken !== undefined) throw this.#broken;
    return this.#mustStop ? 'cut off' : this.#found;
  }

  get #mustStop(): boolean {
    const { options, records } = this.#parts;
    return options.signal.aborted || records.isSuperseded || this.#broken !== undefined;
  }

  /** What an earlier worker of the same comparison has found in this shard, and will not be found again. */
  *#openHere(): Generator<DiffersLine> {
    const { state, since } = this.#parts;
    const { from, to } = wholeEntriesOf(this.#shard);
    for (const [, entry] of state.verification.openIn(from, to))
      if (entry.since === since) yield* entry.lines;
  }

  #divided(): VerifyDivided {
    const { state, since } = this.#parts;
    return new VerifyDivided({
      ...this.#parts,
      shard: this.#shard,
      tape: this.#tape,
      patience: this.#patience,
      compared: state.verification.since === since ? state.verification.pieces : new Map(),
      isWanted: (placed) => !this.#mustStop && this.#isWanted(placed),
      tell: (differs) => void this.#tell(differs),
    });
  }

  get #patience(): Patience {
    const { context, options } = this.#parts;
    const patience = { ...patienceFor(context.attempt.tries), signal: options.signal };
    return this.#inVain < storm ? patience : hasty(patience);
  }

  get #whole(): { from: number; to: number } {
    return wholeEntriesOf(this.#shard);
  }

  *#batches(): Generator<PlacedEntry[]> {
    const { from, to } = this.#whole;
    let batch: PlacedEntry[] = [];
    let bytes = 0;
    for (const placed of from < to ? this.#tape.between(from, to) : []) {
      if (this.#mustStop) return;
      if (this.#verified.has(placed.ordinal)) continue;
      batch.push(placed);
      bytes += bytesOf(placed.entry);
      if (batch.length < entriesAtMost && bytes < bytesAtMost) continue;
      yield batch;
      [batch, bytes] = [[], 0];
    }
    if (batch.length > 0) yield batch;
  }

  async #start(work: () => Promise<void>): Promise<void> {
    if (this.#mustStop) return;
    const promise = work().catch((error: Error) => {
      this.#broken ??= error;
    });
    this.#underWay.add(promise);
    void promise.then(() => this.#underWay.delete(promise));
    await this.#parts.records.keepUp();
    while (this.#underWay.size >= this.#parts.comparers.threads * aheadOfThreads) await this.#answer();
  }

  async #answer(): Promise<void> {
    await Promise.race(this.#underWay);
    await this.#parts.records.keepUp();
  }

  async #end(): Promise<void> {
    while (this.#underWay.size > 0) await this.#answer();
  }

  /** What is recorded, what was found to differ before, and all of a run that only compares. */
  #isWanted(placed: PlacedEntry): boolean {
    const { verification } = this.#parts.state;
    return this.#comparesAll || verification.open.has(placed.ordinal) || this.#isRecorded(placed);
  }

  async #batch(entries: readonly PlacedEntry[]): Promise<void> {
    const wanted = entries.filter((placed) => this.#isWanted(placed));
    const readable = wanted.filter(
      ({ entry: { kind } }) => kind !== 'unreadable' && !(kind === 'symlink' && this.#skipsSymlinks),
    );
    const parts = { ...this.#parts, tape: this.#tape };
    const compared = await comparePatiently(readable, parts, this.#patience);
    this.#inVain = compared.differs.some(isPassing) ? this.#inVain + 1 : 0;
    // It is left to the next worker
    if (this.#mustStop && compared.differs.some(isPassing)) return;
    const unread = wanted.flatMap((placed) =>
      placed.entry.kind === 'unreadable'
        ? [differenceOf(placed, { kind: 'unreadable', detail: `scan: ${placed.entry.errno}` })]
        : [],
    );
    const differs = this.#tell([...compared.differs, ...unread]);
    this.#record(entries, wanted, { ...compared, differs }, new Set(readable));
  }

  /** An entry that is not recorded and is as it should be needs no copy: it is skipped. */
  #record(
    entries: readonly PlacedEntry[],
    wanted: readonly PlacedEntry[],
    { differs, names, bytes, hashed, otherwise }: ComparedEntries,
    readable: ReadonlySet<PlacedEntry>,
  ): void {
    const { records } = this.#parts;
    const different = new Set(differs.map(({ ordinal }) => ordinal));
    const { done } = this.#own;
    const same = wanted.filter(({ ordinal }) => !different.has(ordinal) && !done.has(ordinal));
    const isWanted = new Set(wanted);
    const over = entries.filter((placed) => isWanted.has(placed) || done.has(placed.ordinal));
    if (names.length > 0) records.take({ type: 'names', files: [...names] });
    records.takeOtherwise(otherwise);
    records.take(...runsOf(same).map(skippedIn));
    records.take(
      ...runsOf(over).map((run, i): JournalRecord => {
        const [from, to] = [run[0]!.ordinal, run.at(-1)!.ordinal + 1];
        const count = run.filter((placed) => readable.has(placed)).length;
        const content = { bytes, ...(hashed > 0 && { hashed }) };
        return { type: 'verified', from, to, entries: count, ...(i === 0 ? content : { bytes: 0 }) };
      }),
    );
  }

  /** Records differences, but those that are none for this run. */
  #tell(differs: readonly DiffersLine[]): DiffersLine[] {
    const real = differs.filter((line) => !(this.#lacksDevices && isDevice(line)) && !this.#isExtra(line));
    for (const line of real) {
      this.#parts.options.log.difference(line);
      if (line.kind !== 'unreadable') this.#found = 'differences';
      else if (this.#found === 'complete') this.#found = 'failures';
    }
    this.#parts.records.take(...real);
    return real;
  }

  /** What has gone from the source since it was copied stays, like all that only the destination has. */
  #isExtra({ kind }: DiffersLine): boolean {
    return kind === 'extra' && this.#parts.context.attempt.verify!.extras !== true;
  }

  async #extras(): Promise<void> {
    const { context, records } = this.#parts;
    for (const found of extrasIn(context, this.#tape, this.#whole)) {
      if (found !== undefined) this.#tell([found]);
      // Lets signals in
      await new Promise(setImmediate);
      await records.keepUp();
      if (this.#mustStop) return;
    }
  }
}

function isDevice({ kind, detail }: Difference): boolean {
  return kind === 'missing' && detail.endsWith('device');
}

/** Consecutive entries, together. */
function runsOf(entries: readonly PlacedEntry[]): PlacedEntry[][] {
  const runs: PlacedEntry[][] = [];
  for (const placed of entries) {
    const last = runs.at(-1);
    if (last !== undefined && last.at(-1)!.ordinal === placed.ordinal - 1) last.push(placed);
    else runs.push([placed]);
  }
  return runs;
}

function skippedIn(run: readonly PlacedEntry[]): JournalRecord {
  const skipped = emptyTally();
  for (const { entry } of run)
    if (entry.kind !== 'directory' && entry.kind !== 'link')
      addTally(skipped, { entries: 1, bytes: bytesOf(entry) });
  const [from, to] = [run[0]!.ordinal, run.at(-1)!.ordinal + 1];
  return { type: 'done', from, to, copied: emptyTally(), skipped, linked: emptyTally() };
}
