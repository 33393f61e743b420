import { fstatSync, readSync } from 'node:fs';
import { type SeenEntries, seenStates, wordsPerStamp } from '../model/seen-entries.ts';
import { readLines } from './lines.ts';
import { parseTapeLine } from './tape-line.ts';

/** Where to read: entries `[from, to)`, of a tape that is open; the rest as in a mark before them. */
export type SeenRequest = {
  readonly tape: number;
  readonly from: number;
  readonly to: number;
  readonly ordinal: number;
  readonly offset: number;
  readonly directory: number;
  /** Where lines begin that are of no interest any more; left out: the end of the tape. */
  readonly end?: number | undefined;
};

const [newline, quote, comma, minus, zero, nine, backslash, slash, open, close] = Buffer.from('\n",-09\\/[]');
const [directoryLetter, fileLetter, linkLetter] = Buffer.from('dfl');
const high = 2 ** 32;

/**
 * Reads entries with their stamps from the bytes of the tape: no text is made of names, and no object of an entry. What
 * is not as the scan writes it most of the time is `left`, to be read as ever. What it gives holds until the next call.
 */
export class SeenReader {
  #text: Uint8Array = Buffer.allocUnsafeSlow(1 << 16);
  #states = new Uint8Array(0);
  #names = new Uint32Array(0);
  #bytes = new Float64Array(0);
  #stamps = new Uint32Array(0);
  #directories: { path: string; from: number; to: number }[] = [];
  #filled = 0;
  /** Where the number in force ends, and what it is. */
  #at = 0;
  #number = 0;

  read({ tape, from, to, ...mark }: SeenRequest): SeenEntries {
    const count = to - from;
    this.#makeRoom(count);
    this.#fill(tape, mark);
    this.#states.fill(seenStates.left, 0, count);
    this.#directories = [];
    const path = pathAt(tape, mark);
    if (path !== undefined) this.#go(mark.ordinal, from, to, path);
    return {
      from,
      count,
      text: this.#text,
      states: this.#states,
      names: this.#names,
      bytes: this.#bytes,
      stamps: this.#stamps,
      directories: this.#directories,
    };
  }

  #makeRoom(count: number): void {
    if (count <= this.#states.length) return;
    this.#states = new Uint8Array(count);
    this.#names = new Uint32Array(count);
    this.#bytes = new Float64Array(count);
    this.#stamps = new Uint32Array(count * wordsPerStamp);
  }

  #fill(tape: number, { offset, end = fstatSync(tape).size }: Pick<SeenRequest, 'offset' | 'end'>): void {
    const wanted = Math.max(0, end - offset);
    if (wanted > this.#text.length) this.#text = Buffer.allocUnsafeSlow(wanted * 2);
    this.#filled = 0;
    for (let read = -1; read !== 0 && this.#filled < wanted; this.#filled += read)
      read = readSync(tape, this.#text, this.#filled, wanted - this.#filled, offset + this.#filled);
  }

  #go(ordinal: number, from: number, to: number, path: string): void {
    const text = this.#text;
    let inForce = path;
    let begun = 0;
    let at = 0;
    for (let number = ordinal; number < to; number++) {
      const letter = text[at + 2];
      const index = number - from;
      if (letter === directoryLetter) {
        const end = this.#endOfLine(at);
        if (index > 0) this.#directories.push({ path: inForce, from: begun, to: index });
        begun = Math.max(0, index);
        const next = pathIn(Buffer.from(text.subarray(at, end)).toString());
        if (next === undefined) return;
        inForce = next;
        if (index >= 0) this.#states[index] = seenStates.passed;
        at = end + 1;
      } else if (index < 0) at = this.#endOfLine(at) + 1;
      else if (letter === fileLetter) at = this.#file(at, index);
      else {
        if (letter === linkLetter) this.#states[index] = seenStates.passed;
        at = this.#endOfLine(at) + 1;
      }
      if (at > this.#filled) break;
    }
    this.#directories.push({ path: inForce, from: begun, to: to - from });
  }

  #endOfLine(at: number): number {
    const end = this.#text.indexOf(newline!, at);
    return end < 0 || end >= this.#filled ? this.#filled : end;
  }

  /** `["f","NAME",BYTES,[SECONDS,NANOSECONDS,MODE,UID,GID]]`; returns where the next line begins. */
  #file(start: number, index: number): number {
    const text = this.#text;
    const name = start + 6;
    let at = name;
    for (let byte = text[at]; byte !== quote; byte = text[++at])
      if (byte === undefined || endsQuickly(byte)) return this.#endOfLine(at) + 1;
    if (at === name) return this.#endOfLine(at) + 1;
    const end = at;
    const stamp = index * wordsPerStamp;
    const words = this.#stamps;
    this.#at = at + 1;
    const isStamped =
      this.#read(comma!) &&
      this.#wide(words, stamp + 3, index) &&
      text[this.#at++] === comma &&
      this.#read(open!) &&
      this.#wide(words, stamp + 5) &&
      this.#word(words, stamp + 7) &&
      this.#word(words, stamp) &&
      this.#word(words, stamp + 1) &&
      this.#word(words, stamp + 2) &&
      text[this.#at] === close &&
      text[this.#at + 1] === close &&
      text[this.#at + 2] === newline;
    if (!isStamped || this.#at + 2 >= this.#filled) return this.#endOfLine(end) + 1;
    text[end] = 0;
    this.#names[index] = name;
    this.#states[index] = seenStates.stamped;
    return this.#at + 3;
  }

  #word(words: Uint32Array, at: number): boolean {
    if (!this.#read(comma!)) return false;
    words[at] = this.#number;
    return true;
  }

  /** Keeps the number in force as two words, and as the bytes of a file. */
  #wide(words: Uint32Array, at: number, index?: number): boolean {
    const value = this.#number;
    words[at] = value >>> 0;
    words[at + 1] = value >= 0 && value < high ? 0 : Math.floor(value / high);
    if (index !== undefined) this.#bytes[index] = value;
    return true;
  }

  /** A number after a certain sign. */
  #read(sign: number): boolean {
    const text = this.#text;
    let at = this.#at;
    if (text[at++] !== sign) return false;
    const isNegative = text[at] === minus;
    if (isNegative) at++;
    const first = at;
    let value = 0;
    for (let byte = text[at]!; byte >= zero! && byte <= nine!; byte = text[++at]!)
      value = value * 10 + byte - zero!;
    this.#at = at;
    this.#number = isNegative ? -value : value;
    return at > first && Number.isSafeInteger(value);
  }
}

/** A name with any of these is not one, or not written as it is. */
function endsQuickly(byte: number): boolean {
  return byte === backslash || byte === newline || byte === slash;
}

/** The path in force where reading begins; of a line that is a directory itself it does not matter. */
function pathAt(
  tape: number,
  { offset, directory }: Pick<SeenRequest, 'offset' | 'directory'>,
): string | undefined {
  return directory < offset ? pathIn(readLines(tape, directory).next().value?.text) : '';
}

/** Undefined of what is no directory: who reads its entries as ever tells of it. */
function pathIn(line: string | undefined): string | undefined {
  try {
    const entry = parseTapeLine('tape', 0, line ?? '');
    return entry?.kind === 'directory' ? entry.path : undefined;
  } catch {
    return undefined;
  }
}
