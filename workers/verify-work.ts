import { bytesOf } from '../core/model/entry.ts';
import { fullFidelity, type KeepWord } from '../core/model/fidelity.ts';
import { type Shard, wholeEntriesOf } from '../core/model/plan.ts';
import { RangeSet } from '../core/model/ranges.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import { recordedIn } from '../core/run/recorded-entries.ts';
import { type PlacedEntry, TapeReader } from '../core/run/tape-reader.ts';
import type { Comparers } from './comparison.ts';
import type { KnownDigests } from './known-digests.ts';
import { hasty, type Patience, patienceFor } from './retry.ts';
import { differenceOf } from './verify-content.ts';
import { extrasIn } from './verify-extras.ts';
import { type FindingsParts, VerifyFindings } from './verify-findings.ts';
import { VerifyDivided } from './verify-parts.ts';
import { comparePatiently, isPassing } from './verify-patience.ts';

export type VerifyParts = FindingsParts & {
  readonly comparers: Comparers;
  /** Undefined: both sides of everything are read. */
  readonly known: KnownDigests | undefined;
  readonly keep: readonly KeepWord[];
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
  readonly #tape: TapeReader;
  readonly #isRecorded: (placed: PlacedEntry) => boolean;
  readonly #comparesAll: boolean;
  readonly #skipsSymlinks: boolean;
  readonly #verified: RangeSet;
  readonly #findings: VerifyFindings;
  readonly #underWay = new Set<Promise<void>>();
  #broken: Error | undefined;
  #inVain = 0;

  constructor(parts: VerifyParts) {
    const { context, state, since } = parts;
    const { info, plan, attempt } = context;
    const number = context.journal.shard as number;
    this.#parts = parts;
    this.#shard = plan.shards[number]!;
    this.#tape = new TapeReader(context.paths);
    this.#comparesAll = info.purpose === 'verify';
    this.#isRecorded = recordedIn(plan, state, number);
    this.#skipsSymlinks = (attempt.fidelity ?? fullFidelity).symlinks === 'skip';
    this.#verified = state.verification.since === since ? state.verification.verified : new RangeSet();
    this.#findings = new VerifyFindings(parts, number);
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
    return this.#mustStop ? 'cut off' : this.#findings.found;
  }

  get #mustStop(): boolean {
    const { options, records } = this.#parts;
    return options.signal.aborted || records.isSuperseded || this.#broken !== undefined;
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
      tell: (differs) => void this.#findings.tell(differs),
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
    const differs = this.#findings.tell([...compared.differs, ...unread]);
    this.#findings.record({ entries, wanted, readable }, { ...compared, differs });
  }

  async #extras(): Promise<void> {
    const { context, records } = this.#parts;
    for (const found of extrasIn(context, this.#tape, this.#whole)) {
      if (found !== undefined) this.#findings.tell([found]);
      // Lets signals in
      await new Promise(setImmediate);
      await records.keepUp();
      if (this.#mustStop) return;
    }
  }
}
