import { closeSync, fsyncSync, openSync } from 'node:fs';
import { costOf } from '../model/cost.ts';
import { bytesOf, type Entry } from '../model/entry.ts';
import type { Tally } from '../model/outcome.ts';
import type { Totals } from '../model/plan.ts';
import type { TapeMark } from '../model/tape.ts';
import { format } from './files.ts';
import { LineWriter } from './lines.ts';
import type { LookedWriter } from './looked-file.ts';
import type { RunPaths } from './run-paths.ts';
import { SameDirectories } from './same-directories.ts';
import { SyncAhead } from './sync-ahead.ts';
import {
  fixedCosts,
  isDirectoryKind,
  isDoneKind,
  isSameKind,
  kinds,
  type LinkedEntry,
  linkKind,
  type TapeChunk,
} from './tape-chunk.ts';
import { formatTapeLine } from './tape-line.ts';

/** One mark in the index for so many entries: what a reader walks at most to find an entry. */
export const entriesPerMark = 1024;
/** A mark names the lines of its block that are finish's affair, where they are no more: the others are not read for them. */
const finishLinesAtMost = 8;
/** `0` */
const zero = 0x30;

export type FirstOf = (inode: LinkedEntry, ordinal: number) => number | undefined;

/** Writes the tape and its index in one pass, with a fixed amount of memory. Entries come in tape order. */
export class TapeWriter {
  readonly #tape: number;
  readonly #index: number;
  readonly #lines: LineWriter;
  readonly #ahead: SyncAhead;
  readonly #marks: LineWriter;
  readonly #looked: LookedWriter | undefined;
  readonly #same: SameDirectories | undefined;
  /** The mark of the block that is written, which ends with what is in the block. */
  #pending: TapeMark | undefined;
  /** Of its lines that are finish's affair, how many entries and bytes come before; undefined where there are too many. */
  #ofFinish: number[] | undefined;
  #directory = 0;
  #ordinal = 0;
  #cost = 0;
  #bytes = 0;
  #sameBytes = 0;
  /** By the numbers that kinds have in a chunk. */
  readonly #counts = new Float64Array(kinds.length);

  /** With `looked`, what the scan has found at the destination is written down there. */
  constructor(paths: RunPaths, looked?: LookedWriter) {
    this.#looked = looked;
    this.#same = looked && new SameDirectories();
    this.#tape = openSync(paths.tape, 'wx', 0o600);
    this.#index = openSync(paths.tapeIndex, 'wx', 0o600);
    this.#lines = new LineWriter(this.#tape);
    this.#ahead = new SyncAhead(openSync(paths.tape, 'r'));
    this.#marks = new LineWriter(this.#index);
    this.#lines.add(`${JSON.stringify({ type: 'tape', format })}\n`);
    this.#marks.add(`${JSON.stringify({ type: 'index', format })}\n`);
    // The entries begin inside the source itself, whose line is the first
    this.#directory = this.#lines.offset;
  }

  /** Adds an entry and returns its ordinal. */
  add(entry: Entry): number {
    if (entry.kind === 'directory') this.#directory = this.#lines.offset;
    if (this.#ordinal % entriesPerMark === 0) this.#mark();
    if (entry.kind === 'directory' || entry.kind === 'link') this.#note(this.#lines.offset);
    this.#lines.add(formatTapeLine(entry));
    this.#counts[kinds.indexOf(entry.kind)]!++;
    this.#cost += costOf(entry);
    this.#bytes += bytesOf(entry);
    return this.#ordinal++;
  }

  /** Adds the entries of a chunk; `firstOf` tells the ordinal of the first name of an inode, once it was seen. */
  addChunk(chunk: TapeChunk, firstOf: FirstOf): void {
    const { entries, lines, linked } = chunk;
    // What comes before this byte is written
    let written = 0;
    let nextLinked = 0;
    const writeTo = (end: number) => {
      if (end > written) this.#lines.addBytes(lines.subarray(written, end));
      written = end;
    };
    for (let index = 0; index < entries; index++) {
      const start = chunk.startOf(index);
      let kind = chunk.kindAt(index);
      const isDirectory = isDirectoryKind(kind);
      if (isDirectory) this.#directory = this.#lines.offset + start - written;
      if (this.#ordinal % entriesPerMark === 0) {
        writeTo(start);
        this.#mark();
      }
      if (isDirectory) this.#note(this.#directory);
      const inode = linked[nextLinked]?.index === index ? linked[nextLinked++] : undefined;
      const first = inode === undefined ? undefined : firstOf(inode, this.#ordinal);
      if (first !== undefined) {
        writeTo(start);
        this.#note(this.#lines.offset);
        this.#lines.add(formatLink(chunk.lineAt(index), first));
        written = start + chunk.lineAt(index).length;
        kind = linkKind;
      }
      this.#count(kind, kind === linkKind ? 0 : chunk.sizeAt(index));
      if (this.#same === undefined || isDoneKind(kind)) continue;
      if (isDirectory) this.#enter(this.#same, chunk, index);
      else this.#same.touch();
    }
    writeTo(lines.length);
    for (const mark of this.#same?.take() ?? []) this.#lines.patch(mark, zero);
    this.#ahead.wrote(this.#lines.offset);
  }

  /** The line of the directory that is in force begins at `#directory`. */
  #enter(same: SameDirectories, chunk: TapeChunk, index: number): void {
    const { path, mark } = chunk.directoryAt(index);
    const place = mark === undefined ? undefined : this.#directory + mark - chunk.startOf(index);
    same.enter(path, place);
  }

  #count(kind: number, bytes: number): void {
    this.#counts[kind]!++;
    if (isDoneKind(kind)) this.#sameBytes += bytes;
    else this.#cost += fixedCosts[kind]! + bytes;
    this.#looked?.add(kind, bytes);
    this.#bytes += bytes;
    this.#ordinal++;
  }

  get totals(): Totals {
    const of = (kind: (typeof kinds)[number]) =>
      kinds.reduce((sum, one, number) => sum + (one === kind ? this.#counts[number]! : 0), 0);
    return {
      entries: this.#ordinal,
      bytes: this.#bytes,
      cost: this.#cost,
      directories: of('directory'),
      files: of('file'),
      links: of('link'),
      symlinks: of('symlink'),
      specials: of('special'),
      unreadable: of('unreadable'),
    };
  }

  /** The entries of chunks that are at the destination already. */
  get alike(): Tally {
    const entries = kinds.reduce((sum, _, kind) => sum + (isSameKind(kind) ? this.#counts[kind]! : 0), 0);
    return { entries, bytes: this.#sameBytes };
  }

  /** Where the next entry would begin. */
  get end(): TapeMark {
    return {
      ordinal: this.#ordinal,
      offset: this.#lines.offset,
      directory: this.#directory,
      byte: 0,
      cost: this.#cost,
      bytes: this.#bytes,
    };
  }

  /** Ends both files and syncs them to disk. */
  close(): void {
    this.#lines.add(`${JSON.stringify({ type: 'end', entries: this.#ordinal })}\n`);
    this.#lines.flush();
    this.#endMark();
    this.#marks.flush();
    fsyncSync(this.#tape);
    closeSync(this.#tape);
    this.#ahead.close();
    fsyncSync(this.#index);
    closeSync(this.#index);
  }

  /** Gives up: the files stay as they are, for the caller to remove. */
  abandon(): void {
    closeSync(this.#tape);
    this.#ahead.abandon();
    closeSync(this.#index);
  }

  #mark(): void {
    this.#endMark();
    this.#pending = this.end;
    this.#ofFinish = [];
  }

  /** The next entry is finish's affair, and its line begins there. */
  #note(offset: number): void {
    const { ordinal, offset: start } = this.#pending!;
    if (this.#ofFinish?.length === 2 * finishLinesAtMost) this.#ofFinish = undefined;
    this.#ofFinish?.push(this.#ordinal - ordinal, offset - start);
  }

  #endMark(): void {
    if (this.#pending === undefined) return;
    const { ordinal, offset, directory, cost, bytes } = this.#pending;
    const mark = [ordinal, offset, directory, cost, bytes];
    this.#marks.add(`${JSON.stringify(this.#ofFinish === undefined ? mark : [...mark, this.#ofFinish])}\n`);
  }
}

/** The line of an entry that has proved to be a further name. */
function formatLink(line: Buffer, first: number): string {
  const [, name] = JSON.parse(line.toString()) as [string, string];
  return formatTapeLine({ kind: 'link', name, first });
}
