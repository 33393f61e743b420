import { byTime, type Comparison } from '../../model/compare.ts';
import { joinPath } from '../../model/entry.ts';
import { classOf } from '../../model/errno.ts';
import type { Fidelity } from '../../model/fidelity.ts';
import { addTally, type DoneRange, type EntryOutcome, emptyTally, type Tally } from '../../model/outcome.ts';
import type { EntryDigest } from '../../model/source-digest.ts';
import type { EntryBatch, EntryGroup, GroupOutcome } from '../storage.ts';
import type { ContentCopy } from './copy-content.ts';
import { outcomeOf } from './entry-outcome.ts';
import { EntryNotes, Keeper } from './keeper.ts';
import { nativeName } from './libc.ts';
import { unlinkat } from './libc-names.ts';
import { takeEntry } from './limits.ts';
import { PlainCopies } from './plain-copies.ts';
import { type PutRequest, putSmallFile } from './put-file.ts';
import { putSpecial, putSymlink } from './put-other.ts';
import { putUnlocking } from './put-unlocking.ts';
import { noteOfLeftDirectory } from './same-content.ts';
import { mustStop, Stopped } from './stop-flag.ts';
import { SystemError } from './system-error.ts';
import { leastLargeBytes, partsName, temporaryName, type Writer } from './temporary-names.ts';
import type { Trees } from './trees.ts';

export type GroupCopyRequest = {
  readonly writer: Writer;
  readonly mayExist: boolean;
  readonly doubtsFiles?: boolean | undefined;
  /** Files that are copied again whatever is there, by their ordinals; left out: none. */
  readonly forced?: ReadonlySet<number> | undefined;
  readonly fidelity: Fidelity;
  /** Left out: by type, size and mtime. */
  readonly compare?: Comparison;
  readonly content: ContentCopy;
  /** Files with so much content are not copied here, but only named; left out: all are copied. */
  readonly largeFrom?: number | undefined;
  /** True when workers before this one may have begun to copy files in pieces. */
  readonly mayHaveParts?: boolean;
};

type Put = (request: PutRequest, largeFrom: number) => 'copied' | 'skipped' | 'large';
type Directories = { readonly source: number; readonly destination: number };
type OpenRange = { from: number; to: number; copied: Tally; skipped: Tally; linked: Tally };

const puts = new Map<string, Put>([
  ['f', putSmallFile],
  ['s', putSymlink],
  ['p', putSpecial],
]);

/** Copies the entries of one group in order, until all is to stop, and says what became of each. Used for one group. */
export class GroupCopy {
  readonly #trees: Trees;
  readonly #writer: Writer;
  readonly #mayExist: boolean;
  readonly #isDoubted: (ordinal: number) => boolean;
  readonly #ranges: DoneRange[] = [];
  readonly #outcomes: EntryOutcome[] = [];
  readonly #large: number[] = [];
  readonly #digests: EntryDigest[] = [];
  readonly #plain = new PlainCopies();
  readonly #notes = new EntryNotes();
  readonly #keeper: Keeper;
  readonly #compare: Comparison;
  readonly #content: ContentCopy;
  readonly #largeFrom: number;
  readonly #mayHaveParts: boolean;
  #range: OpenRange | undefined;
  #hopeless: string | undefined;

  constructor(trees: Trees, request: GroupCopyRequest) {
    const { writer, mayExist, fidelity, compare = byTime, content } = request;
    this.#trees = trees;
    this.#writer = writer;
    this.#mayExist = mayExist;
    const { doubtsFiles = false, forced } = request;
    this.#isDoubted = (ordinal) => doubtsFiles || forced?.has(ordinal) === true;
    this.#keeper = new Keeper(fidelity, this.#notes.note);
    this.#compare = compare;
    this.#content = content;
    this.#largeFrom = request.largeFrom ?? Number.POSITIVE_INFINITY;
    this.#mayHaveParts = request.mayHaveParts === true;
  }

  run(group: EntryGroup): GroupOutcome {
    for (const batch of group.batches) {
      if (this.#mustEnd) break;
      this.#batch(batch);
    }
    this.#closeRange();
    const plain = this.#plain.take();
    return {
      ranges: this.#ranges,
      outcomes: this.#outcomes,
      ...(this.#large.length > 0 && { large: this.#large }),
      ...(this.#digests.length > 0 && { digests: this.#digests }),
      ...(plain !== undefined && { plain }),
      notes: this.#notes.take(),
      ways: this.#content.takeWays(),
      hopeless: this.#hopeless,
    };
  }

  get #mustEnd(): boolean {
    return this.#hopeless !== undefined || mustStop();
  }

  #batch(batch: EntryBatch): void {
    const directories = this.#open(batch.directory);
    for (let i = 0; i < batch.kinds.length && !this.#mustEnd; i++) {
      const put = puts.get(batch.kinds[i]!);
      // Directories and further names are finish's affair: they are made, fail or vanish there
      if (put === undefined && batch.kinds[i] !== 'x') this.#done(batch.ordinal + i);
      else if (directories instanceof SystemError) this.#shut(batch, i, directories);
      else if (put === undefined) this.#fail(batch, i, new SystemError(batch.errnos.get(i) ?? 'EIO', 'scan'));
      else this.#put(batch, i, put, directories);
    }
  }

  #open(path: string): Directories | SystemError {
    try {
      return {
        source: this.#trees.sourceDirectory(path),
        destination: this.#trees.destinationDirectory(path),
      };
    } catch (error) {
      if (error instanceof SystemError) return error;
      throw error;
    }
  }

  /** What is in a directory that cannot be entered fails, but where the directory itself is to be left as it is. */
  #shut(batch: EntryBatch, i: number, error: SystemError): void {
    const note = batch.kinds[i] === 'x' ? undefined : noteOfLeftDirectory(error, this.#compare);
    if (note === undefined) {
      this.#fail(batch, i, error);
      return;
    }
    this.#notes.begin();
    this.#notes.note(note);
    this.#notes.count();
    addTally(this.#done(batch.ordinal + i).skipped, { entries: 1, bytes: batch.bytes[i]! });
  }

  #requestFor(batch: EntryBatch, i: number, { source, destination }: Directories): PutRequest {
    const facts = this.#trees.factsOf(destination);
    const writer = this.#writer;
    const name = nativeName(batch.names[i]!);
    // A root of the source is not where the others are
    const isTop = batch.directory === '';
    const from = isTop ? this.#trees.sourcePlace('', batch.names[i]!) : { directory: source, name };
    return {
      sourceDirectory: from.directory,
      sourceName: from.name,
      destinationDirectory: destination,
      name,
      directory: facts,
      // Most files need none
      get temporary() {
        return temporaryName(writer, batch.ordinal + i);
      },
      mayExist: this.#mayExist && !facts.isNew,
      isDoubted: batch.kinds[i] === 'f' && this.#isDoubted(batch.ordinal + i),
      compare: this.#compare,
      keeper: this.#keeper,
      content: this.#content,
      plain: this.#plain,
    };
  }

  #put(batch: EntryBatch, i: number, put: Put, directories: Directories): void {
    takeEntry();
    if (mustStop()) return;
    this.#notes.begin();
    try {
      const request = this.#requestFor(batch, i, directories);
      const outcome = putUnlocking((one) => put(one, this.#largeFrom), request);
      if (outcome === 'large') {
        this.#leave(batch.ordinal + i);
        return;
      }
      this.#notes.count();
      addTally(this.#done(batch.ordinal + i)[outcome], { entries: 1, bytes: batch.bytes[i]! });
      if (outcome === 'copied' && batch.kinds[i] === 'f') this.#takeDigest(batch.ordinal + i);
      this.#removeParts(batch, i, directories.destination);
    } catch (error) {
      if (!(error instanceof SystemError) && !(error instanceof Stopped)) throw error;
      if (error instanceof Stopped) return;
      this.#fail(batch, i, error);
      if (classOf(error.cause) === 'permanent') this.#removeParts(batch, i, directories.destination);
    }
  }

  #takeDigest(ordinal: number): void {
    const digest = this.#content.takeDigest();
    if (digest !== undefined) this.#digests.push({ ordinal, ...digest });
  }

  #leave(ordinal: number): void {
    this.#closeRange();
    this.#large.push(ordinal);
  }

  /** What was copied of a file in pieces is of no use once it is here as a whole, or cannot come here. */
  #removeParts(batch: EntryBatch, i: number, directory: number): void {
    if (!this.#mayHaveParts || batch.bytes[i]! < leastLargeBytes) return;
    unlinkat(directory, partsName(this.#writer.run, batch.ordinal + i), 0);
  }

  /** A range ends where an entry is left out, as between those that are tried again. */
  #done(ordinal: number): OpenRange {
    if (this.#range?.to !== ordinal) this.#closeRange();
    this.#range ??= {
      from: ordinal,
      to: ordinal,
      copied: emptyTally(),
      skipped: emptyTally(),
      linked: emptyTally(),
    };
    this.#range.to = ordinal + 1;
    return this.#range;
  }

  #fail(batch: EntryBatch, i: number, error: SystemError): void {
    this.#closeRange();
    const path = joinPath(batch.directory, batch.names[i]!);
    const entry = { ordinal: batch.ordinal + i, path, bytes: batch.bytes[i]! };
    this.#outcomes.push(outcomeOf(entry, error, this.#trees.source.isAsScanned(path)));
    if (classOf(error.cause) === 'hopeless') this.#hopeless = error.cause;
  }

  #closeRange(): void {
    if (this.#range !== undefined) this.#ranges.push(this.#range);
    this.#range = undefined;
  }
}
