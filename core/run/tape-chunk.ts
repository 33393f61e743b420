import { fixedCostOf } from '../model/cost.ts';
import type { Entry } from '../model/entry.ts';
import { fromBytes } from '../model/names.ts';
import type { Stamp } from '../model/stamp.ts';
import { formatTapeLine, parseTapeLine } from './tape-line.ts';

/** The kinds of entries by their numbers in a chunk. */
export const kinds = ['directory', 'file', 'link', 'symlink', 'special', 'unreadable', 'file'] as const;
const [DIRECTORY, FILE, , SYMLINK, SPECIAL, UNREADABLE, SAME] = kinds.keys();
/** The number of files that are at the destination already. */
export const sameKind = SAME!;
/** What an entry of each kind costs, by its number. */
export const fixedCosts = kinds.map((kind, number) => (number === SAME ? 0 : fixedCostOf({ kind })));

/** An inode with several names, as `index`th entry of a chunk: whether it is a further name is not known there. */
export type LinkedEntry = {
  readonly index: number;
  readonly device: string;
  readonly inodeLow: number;
  readonly inodeHigh: number;
  readonly names: number;
};

/** A chunk as it travels from thread to thread: `buffers` can be transferred. */
export type PackedChunk = {
  readonly buffers: readonly ArrayBuffer[];
  readonly entries: number;
  readonly bytes: number;
  readonly linked: LinkedEntry[];
};

const [quote, backslash, comma, newline, bracket] = [0x22, 0x5c, 0x2c, 0x0a, 0x5b];
/** More bytes than any line has apart from its name or path. */
const lineAround = 128;
/** What fits into an int is written digit by digit. */
const largestQuick = 0x7fffffff;
/** JSON writes a byte as six characters at most (\u001f). */
const bytesPerByte = 6;
const nameAtMost = 256;

/**
 * Lines of the tape that follow each other, with what a writer must know of each. Names go from bytes to bytes: text
 * is made only of those that JSON writes otherwise. Used again and again, it grows as it must.
 */
export class TapeChunk {
  #lines: Buffer;
  #ends: Uint32Array;
  #sizes: Float64Array;
  #kinds: Uint8Array;
  #entries = 0;
  #filled = 0;
  #linked: LinkedEntry[] = [];

  constructor(packed?: PackedChunk) {
    const [lines, ends, sizes, kinds] = packed?.buffers ?? [];
    this.#lines = Buffer.from(lines ?? new ArrayBuffer(1 << 14));
    this.#ends = new Uint32Array(ends ?? new ArrayBuffer(4 * 512));
    this.#sizes = new Float64Array(sizes ?? new ArrayBuffer(8 * 512));
    this.#kinds = new Uint8Array(kinds ?? new ArrayBuffer(512));
    this.#entries = packed?.entries ?? 0;
    this.#filled = packed?.bytes ?? 0;
    this.#linked = packed?.linked ?? [];
  }

  /** The chunk is of no use any more when its buffers have been transferred. */
  pack(): PackedChunk {
    const buffers = [this.#lines, this.#ends, this.#sizes, this.#kinds].map(
      ({ buffer }) => buffer as ArrayBuffer,
    );
    return { buffers, entries: this.#entries, bytes: this.#filled, linked: this.#linked };
  }

  clear(): void {
    this.#entries = 0;
    this.#filled = 0;
    this.#linked = [];
  }

  get entries(): number {
    return this.#entries;
  }
  get linked(): readonly LinkedEntry[] {
    return this.#linked;
  }
  /** All lines, to the end of the last. */
  get lines(): Buffer {
    return this.#lines.subarray(0, this.#filled);
  }
  kindAt(index: number): number {
    return this.#kinds[index]!;
  }
  sizeAt(index: number): number {
    return this.#sizes[index]!;
  }
  /** Where the line of an entry begins in `lines`. */
  startOf(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!;
  }
  lineAt(index: number): Buffer {
    return this.#lines.subarray(this.startOf(index), this.#ends[index]);
  }

  /** The entries of some kinds, in order. */
  *entriesOf(...wanted: readonly Entry['kind'][]): Generator<Entry> {
    for (let index = 0; index < this.#entries; index++) {
      if (!wanted.includes(kinds[this.#kinds[index]!]!)) continue;
      yield parseTapeLine('chunk', this.startOf(index), this.lineAt(index).toString())!;
    }
  }

  directory(path: string): void {
    this.#text({ kind: 'directory', path }, DIRECTORY!, path.length);
  }

  file(buffer: Uint8Array, start: number, bytes: number, stamp?: Stamp): void {
    this.#begin('f', buffer, start);
    this.#number(comma!, bytes);
    if (stamp !== undefined) this.#stamp(stamp);
    this.#end(FILE!, bytes);
  }

  symlink(buffer: Uint8Array, start: number): void {
    this.#begin('s', buffer, start);
    this.#end(SYMLINK!, 0);
  }

  special(buffer: Uint8Array, start: number): void {
    this.#begin('p', buffer, start);
    this.#end(SPECIAL!, 0);
  }

  unreadable(buffer: Uint8Array, start: number, errno: string): void {
    const name = textAt(buffer, start);
    this.#text({ kind: 'unreadable', name, errno }, UNREADABLE!, name.length);
  }

  /** `,1` at the end of the line */
  same(): number {
    this.#makeRoom(lineAround);
    const index = this.#entries - 1;
    this.#filled -= 2;
    this.#lines[this.#filled] = comma!;
    this.#lines[this.#filled + 1] = 0x31;
    this.#lines[this.#filled + 2] = 0x5d;
    this.#lines[this.#filled + 3] = newline!;
    this.#filled += 4;
    this.#ends[index] = this.#filled;
    this.#kinds[index] = SAME!;
    return index;
  }

  /** `,0` in its place */
  notSame(index: number): void {
    this.#lines[this.#ends[index]! - 3] = 0x30;
    this.#kinds[index] = FILE!;
  }

  severalNames(inode: Omit<LinkedEntry, 'index'>): void {
    this.#linked.push({ index: this.#entries - 1, ...inode });
  }

  #text(entry: Entry, kind: number, length: number): void {
    this.#makeRoom(length * bytesPerByte + lineAround);
    this.#filled += this.#lines.write(formatTapeLine(entry).slice(0, -2), this.#filled);
    this.#end(kind, 0);
  }

  /** `["f","name"` */
  #begin(letter: string, buffer: Uint8Array, start: number): void {
    this.#makeRoom(nameAtMost * bytesPerByte + lineAround);
    const lines = this.#lines;
    let to = this.#filled;
    lines[to] = 0x5b;
    lines[to + 1] = quote;
    lines[to + 2] = letter.charCodeAt(0);
    lines[to + 3] = quote;
    lines[to + 4] = comma;
    lines[to + 5] = quote;
    to += 6;
    let from = start;
    let byte = buffer[from]!;
    for (; byte > 0x1f && byte < 0x7f && byte !== quote && byte !== backslash; byte = buffer[++from]!)
      lines[to++] = byte;
    if (byte === 0) {
      lines[to] = quote;
      this.#filled = to + 1;
    } else this.#escaped(textAt(buffer, start));
  }

  #escaped(name: string): void {
    this.#filled += 5;
    this.#filled += this.#lines.write(JSON.stringify(name), this.#filled);
  }

  #stamp({ mtimeSeconds, mtimeNanoseconds, mode, uid, gid }: Stamp): void {
    this.#lines[this.#filled++] = comma!;
    this.#number(bracket!, mtimeSeconds);
    this.#number(comma!, mtimeNanoseconds);
    this.#number(comma!, mode);
    this.#number(comma!, uid);
    this.#number(comma!, gid);
    this.#lines[this.#filled++] = 0x5d;
  }

  /** A sign and a number. */
  #number(sign: number, value: number): void {
    this.#lines[this.#filled++] = sign;
    if (value < 10 && value >= 0) this.#lines[this.#filled++] = 0x30 + value;
    else if (value < 0 || value > largestQuick)
      this.#filled += this.#lines.write(String(value), this.#filled, 'latin1');
    else this.#digits(value);
  }

  /** Making text of it takes several times as long. */
  #digits(value: number): void {
    const lines = this.#lines;
    let end = this.#filled + 1;
    for (let rest = (value / 10) | 0; rest > 0; rest = (rest / 10) | 0) end++;
    this.#filled = end;
    for (let rest = value | 0; end-- > 0 && rest > 0; ) {
      const tens = (rest / 10) | 0;
      lines[end] = 0x30 + rest - tens * 10;
      rest = tens;
    }
  }

  /** `]` */
  #end(kind: number, bytes: number): void {
    this.#lines[this.#filled] = 0x5d;
    this.#lines[this.#filled + 1] = newline;
    this.#filled += 2;
    this.#kinds[this.#entries] = kind;
    this.#sizes[this.#entries] = bytes;
    this.#ends[this.#entries++] = this.#filled;
  }

  #makeRoom(bytes: number): void {
    if (this.#filled + bytes > this.#lines.length) this.#lines = grown(this.#lines, bytes);
    if (this.#entries < this.#kinds.length) return;
    const length = this.#kinds.length * 2;
    this.#ends = copied(this.#ends, new Uint32Array(length));
    this.#sizes = copied(this.#sizes, new Float64Array(length));
    this.#kinds = copied(this.#kinds, new Uint8Array(length));
  }
}

/** How threads pass them on. */
export const tapeChunks = {
  make: (packed?: PackedChunk) => new TapeChunk(packed),
  pack: (chunk: TapeChunk) => chunk.pack(),
};

function grown(lines: Buffer, atLeast: number): Buffer {
  const larger = Buffer.from(new ArrayBuffer(lines.length * 2 + atLeast));
  larger.set(lines);
  return larger;
}

function copied<T extends Uint8Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

function textAt(buffer: Uint8Array, start: number): string {
  return fromBytes(buffer.subarray(start, buffer.indexOf(0, start)));
}
