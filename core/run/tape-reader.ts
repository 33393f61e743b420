import { closeSync, fstatSync } from 'node:fs';
import { type Entry, pathOf } from '../model/entry.ts';
import type { LocatedEntry, TapeMark } from '../model/tape.ts';
import { damaged, openToRead, parseJson, refuseNewer } from './files.ts';
import { type FinishLines, readFinishLines, readNamedLines } from './finish-lines.ts';
import { type Line, readLines } from './lines.ts';
import type { RunPaths } from './run-paths.ts';
import type { SeenRequest } from './seen-reader.ts';
import { parseTapeLine } from './tape-line.ts';
import { entriesPerMark } from './tape-writer.ts';

/** An entry with its directory's path: all that is needed to find it below the source. */
export type PlacedEntry = LocatedEntry & { readonly path: string; readonly directoryPath: string };

/** Consecutive entries `[from, to)`, of which only directories and further names of files are given. */
export type TapeBlock = {
  readonly from: number;
  readonly to: number;
  readonly entries: readonly PlacedEntry[];
};

/** So many blocks of the tape stay in memory for `at`. */
const blocksKept = 32;

/** A mark of the index; `ofFinish`: where lines of its block are that are finish's affair, as TapeWriter has noted. */
type IndexMark = TapeMark & { readonly ofFinish?: readonly number[] };

type Start = { readonly ordinal: number; readonly offset: number; readonly directory: number };

/** Reads the tape, forwards or block by block backwards, and finds entries by their ordinal. Close it when done. */
export class TapeReader {
  readonly #paths: RunPaths;
  readonly #tape: number;
  #marks: IndexMark[] | undefined;
  readonly #blocks = new Map<number, readonly PlacedEntry[]>();

  constructor(paths: RunPaths) {
    this.#paths = paths;
    this.#tape = openToRead(paths.tape);
    const first = readLines(this.#tape).next().value;
    readHeader(paths.tape, 'tape', first?.text);
  }

  close(): void {
    closeSync(this.#tape);
  }

  /** Entries in tape order from a position up to, not including, `toOrdinal`; a tape that ends earlier is a `runDamaged` error. */
  *entries(start: Start, toOrdinal = Number.POSITIVE_INFINITY): Generator<PlacedEntry> {
    if (start.ordinal >= toOrdinal) return;
    this.#refuseMisplaced(start);
    let { ordinal, directory } = start;
    let directoryPath = start.directory < start.offset ? this.#directoryAt(start.directory) : '';
    for (const line of readLines(this.#tape, start.offset)) {
      const entry = this.#parse(line);
      if (entry === undefined && toOrdinal === Number.POSITIVE_INFINITY)
        return this.#refuseOtherEnd(line, ordinal);
      if (entry === undefined) break;
      if (entry.kind === 'link' && entry.first >= ordinal) throw this.#linksForward(line);
      if (entry.kind === 'directory') [directory, directoryPath] = [line.offset, entry.path];
      const { offset, next } = line;
      yield { ordinal, offset, next, directory, entry, directoryPath, path: pathOf(directoryPath, entry) };
      if (++ordinal >= toOrdinal) return;
    }
    throw this.#endsBefore(toOrdinal);
  }

  /** A position that a plan gives lies where the index says that its entry is. */
  #refuseMisplaced({ ordinal, offset }: Start): void {
    const mark = this.marks[Math.floor(ordinal / entriesPerMark)];
    if (mark === undefined) throw damaged(this.#paths.tapeIndex, undefined, `no mark for entry ${ordinal}`);
    let [at, number] = [mark.offset, mark.ordinal];
    for (const { next } of readLines(this.#tape, mark.offset, () => false)) {
      if (number === ordinal) break;
      [at, number] = [next, number + 1];
    }
    if (at !== offset || number !== ordinal)
      throw damaged(this.#paths.tape, undefined, `entry ${ordinal} does not begin at byte ${offset}`);
  }

  /** The tape ends with the number of its entries. */
  #refuseOtherEnd({ offset, text }: Line, ordinal: number): void {
    const { tape } = this.#paths;
    const end = parseJson(`${tape} at byte ${offset}`, undefined, text) as {
      type?: unknown;
      entries?: unknown;
    } | null;
    if (end?.type !== 'end' || end.entries !== ordinal)
      throw damaged(`${tape} at byte ${offset}`, undefined, 'neither an entry nor the end');
  }

  #linksForward({ offset }: Line): Error {
    return damaged(
      `${this.#paths.tape} at byte ${offset}`,
      undefined,
      'a further name of what comes after it',
    );
  }

  #endsBefore(ordinal: number): Error {
    const missing = ordinal === Number.POSITIVE_INFINITY ? 'its end line' : `entry ${ordinal}`;
    return damaged(this.#paths.tape, undefined, `it ends before ${missing}`);
  }

  /** The index: a mark for every 1024th entry, ascending. */
  get marks(): readonly IndexMark[] {
    this.#marks ??= readMarks(this.#paths);
    return this.#marks;
  }

  /** Blocks of up to 1024 entries, the last block first, with their directories and further names of files, in tape order. */
  *blocksBackwards(): Generator<TapeBlock> {
    for (let i = this.marks.length - 1; i >= 0; i--) yield this.#readBlock(this.marks[i]!, this.marks[i + 1]);
  }

  #readBlock(mark: IndexMark, next: IndexMark | undefined): TapeBlock {
    const { ordinal: from, offset } = mark;
    const { lines, count } = this.#finishLines(mark, next);
    const end = next?.ordinal ?? from + count;
    if (from + count !== end) throw this.#endsBefore(end);
    if (next === undefined) this.#refuseNoEnd(lines.at(-1)?.next ?? offset, end);
    let { directory } = mark;
    let directoryPath = directory < offset ? this.#directoryAt(directory) : '';
    const entries: PlacedEntry[] = [];
    for (const line of lines) {
      const entry = this.#parse(line);
      if (entry === undefined) throw this.#endsBefore(end);
      const ordinal = from + line.number;
      if (entry.kind === 'link' && entry.first >= ordinal) throw this.#linksForward(line);
      if (entry.kind === 'directory') [directory, directoryPath] = [line.offset, entry.path];
      const { offset, next } = line;
      const path = pathOf(directoryPath, entry);
      entries.push({ ordinal, offset, next, directory, entry, directoryPath, path });
    }
    return { from, to: end, entries };
  }

  /** Of the last block all is read: it is to be seen that the tape ends. */
  #finishLines({ ordinal, offset, ofFinish }: IndexMark, next: IndexMark | undefined): FinishLines {
    if (ofFinish === undefined || next === undefined)
      return readFinishLines(this.#tape, offset, next?.offset ?? fstatSync(this.#tape).size);
    const count = next.ordinal - ordinal;
    const lines = readNamedLines(this.#tape, offset, ofFinish);
    const isRight = lines?.every(({ number }, i) => number < count && number > (lines[i - 1]?.number ?? -1));
    return isRight ? { lines: lines!, count } : { lines: [], count: -1 };
  }

  /** After so many entries comes the end line, and nothing else, somewhere behind `offset`. */
  #refuseNoEnd(offset: number, entries: number): void {
    let last: Line | undefined;
    for (const line of readLines(this.#tape, offset)) if (!line.text.startsWith('[')) last ??= line;
    if (last === undefined) throw this.#endsBefore(Number.POSITIVE_INFINITY);
    this.#refuseOtherEnd(last, entries);
  }

  /** Where to read entries `[from, to)` with their stamps. */
  seenRequest(from: number, to: number): SeenRequest {
    const mark = this.marks[Math.floor(from / entriesPerMark)];
    if (mark === undefined) throw damaged(this.#paths.tapeIndex, undefined, `no mark for entry ${from}`);
    const { ordinal, offset, directory } = mark;
    const end = this.marks[Math.ceil(to / entriesPerMark)]?.offset;
    return { tape: this.#tape, from, to, ordinal, offset, directory, end };
  }

  /** Entries from one ordinal up to, not including, another, wherever they lie. */
  *between(from: number, to: number): Generator<PlacedEntry> {
    const mark = this.marks[Math.floor(from / entriesPerMark)];
    if (mark === undefined) throw damaged(this.#paths.tapeIndex, undefined, `no mark for entry ${from}`);
    for (const placed of this.entries(mark, to)) if (placed.ordinal >= from) yield placed;
  }

  /** One entry; neighbours are found quickly, since some blocks stay in memory. */
  at(ordinal: number): PlacedEntry {
    const number = Math.floor(ordinal / entriesPerMark);
    let block = this.#blocks.get(number);
    if (block === undefined) {
      const mark = this.marks[number];
      block = mark === undefined ? [] : [...this.entries(mark, this.marks[number + 1]?.ordinal)];
      if (this.#blocks.size >= blocksKept) this.#blocks.delete(this.#blocks.keys().next().value!);
      this.#blocks.set(number, block);
    }
    const placed = block[ordinal % entriesPerMark];
    if (placed === undefined) throw damaged(this.#paths.tape, undefined, `no entry ${ordinal}`);
    return placed;
  }

  #directoryAt(offset: number): string {
    const line = readLines(this.#tape, offset).next().value;
    const entry = line === undefined ? undefined : this.#parse(line);
    if (entry?.kind !== 'directory')
      throw damaged(this.#paths.tape, undefined, `no directory at byte ${offset}`);
    return entry.path;
  }

  #parse(line: Line): Entry | undefined {
    return parseTapeLine(this.#paths.tape, line.offset, line.text);
  }
}

function readMarks(paths: RunPaths): IndexMark[] {
  const marks: IndexMark[] = [];
  const file = openToRead(paths.tapeIndex);
  try {
    const lines = readLines(file);
    readHeader(paths.tapeIndex, 'index', lines.next().value?.text);
    for (const line of lines) {
      const value = parseJson(paths.tapeIndex, marks.length + 2, line.text);
      marks.push(parseMark(paths, marks.length, value));
    }
  } finally {
    closeSync(file);
  }
  return marks;
}

function readHeader(file: string, type: string, text: string | undefined): void {
  const header = parseJson(file, 1, text ?? 'null') as { type?: unknown } | null;
  refuseNewer(file, header);
  if (header?.type !== type)
    throw damaged(file, 1, `not the beginning of ${type === 'tape' ? 'a tape' : 'an index'}`);
}

function parseMark(paths: RunPaths, index: number, value: unknown): IndexMark {
  const [numbers, ofFinish] = Array.isArray(value) ? [value.slice(0, 5), value[5]] : [[], undefined];
  const isMark = numbers.length === 5 && isListOfCounts(numbers) && numbers[0] === index * entriesPerMark;
  if (!isMark || !(ofFinish === undefined || isListOfCounts(ofFinish)))
    throw damaged(paths.tapeIndex, index + 2, 'not a mark');
  const [ordinal, offset, directory, cost, bytes] = numbers as [number, number, number, number, number];
  const mark = { ordinal, offset, directory, byte: 0, cost, bytes };
  return ofFinish === undefined ? mark : { ...mark, ofFinish };
}

function isListOfCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
