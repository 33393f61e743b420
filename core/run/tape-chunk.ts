import { fixedCostOf } from '../model/cost.ts';
import type { Entry } from '../model/entry.ts';
import type { Stamp } from '../model/stamp.ts';
import { ChunkLines, textAt } from './chunk-lines.ts';
import { parseTapeLine } from './tape-line.ts';

/** The kinds of entries by their numbers in a chunk. */
export const kinds = [
  ...(['directory', 'file', 'link', 'symlink', 'special', 'unreadable'] as const),
  // The same, where the destination has it already
  ...(['directory', 'file', 'symlink'] as const),
];
const [DIRECTORY, FILE, LINK, SYMLINK, SPECIAL, UNREADABLE, SAME_DIRECTORY, SAME_FILE, SAME_SYMLINK] =
  kinds.keys() as Iterable<number> as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
/** Of further names of files. */
export const linkKind = LINK;
/** Of directories, by the number of their kind. */
export function isDirectoryKind(kind: number): boolean {
  return kind === DIRECTORY || kind === SAME_DIRECTORY;
}
/** Of what is there already, and was a worker's. */
export function isDoneKind(kind: number): boolean {
  return kind === SAME_FILE || kind === SAME_SYMLINK;
}
/** What an entry of each kind costs, by its number. */
export const fixedCosts = kinds.map((kind, number) => (isDoneKind(number) ? 0 : fixedCostOf({ kind })));
const sames = new Map([
  [DIRECTORY, SAME_DIRECTORY],
  [FILE, SAME_FILE],
  [SYMLINK, SAME_SYMLINK],
]);
const others = new Map([...sames].map(([other, same]) => [same, other]));
/** Of what is there already. */
export function isSameKind(kind: number): boolean {
  return others.has(kind);
}

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

/** Lines of the tape that follow each other, with what a writer must know of each. Used again and again, it grows as it must. */
export class TapeChunk {
  readonly #lines: ChunkLines;
  #ends: Uint32Array;
  #sizes: Float64Array;
  #kinds: Uint8Array;
  #entries = 0;
  #linked: LinkedEntry[] = [];

  constructor(packed?: PackedChunk) {
    const [lines, ends, sizes, kinds] = packed?.buffers ?? [];
    this.#lines = new ChunkLines(lines, packed?.bytes);
    this.#ends = new Uint32Array(ends ?? new ArrayBuffer(4 * 512));
    this.#sizes = new Float64Array(sizes ?? new ArrayBuffer(8 * 512));
    this.#kinds = new Uint8Array(kinds ?? new ArrayBuffer(512));
    this.#entries = packed?.entries ?? 0;
    this.#linked = packed?.linked ?? [];
  }

  /** The chunk is of no use any more when its buffers have been transferred. */
  pack(): PackedChunk {
    const buffers = [this.#lines, this.#ends, this.#sizes, this.#kinds].map(
      ({ buffer }) => buffer as ArrayBuffer,
    );
    return { buffers, entries: this.#entries, bytes: this.#lines.filled, linked: this.#linked };
  }

  clear(): void {
    this.#entries = 0;
    this.#lines.clear();
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
    return this.#lines.between(0, this.#lines.filled);
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
  /** Of a directory, as it stands on the tape, and where its mark is in `lines`; undefined where it is not the same. */
  directoryAt(index: number): { readonly path: string; readonly mark: number | undefined } {
    const [start, end] = [this.startOf(index), this.#ends[index]!];
    const isSame = this.#kinds[index] === SAME_DIRECTORY;
    // `["d","path"]`, `["d","path",1]`; one that proved to be another has a mark too
    const quote = this.#lines.lastQuote(end);
    const path = this.#lines.between(start + 6, quote).toString('latin1');
    return { path, mark: isSame ? end - 3 : undefined };
  }
  lineAt(index: number): Buffer {
    return this.#lines.between(this.startOf(index), this.#ends[index]!);
  }

  /** The entries of some kinds, in order. */
  *entriesOf(...wanted: readonly Entry['kind'][]): Generator<Entry> {
    for (let index = 0; index < this.#entries; index++) {
      if (!wanted.includes(kinds[this.#kinds[index]!]!)) continue;
      yield parseTapeLine('chunk', this.startOf(index), this.lineAt(index).toString())!;
    }
  }

  directory(path: string): void {
    this.#lines.beginText({ kind: 'directory', path }, path.length);
    this.#end(DIRECTORY, 0);
  }

  file(buffer: Uint8Array, start: number, bytes: number, stamp?: Stamp): void {
    this.#lines.begin('f', buffer, start);
    this.#lines.number(bytes);
    if (stamp !== undefined) this.#lines.stamp(stamp);
    this.#end(FILE, bytes);
  }

  symlink(buffer: Uint8Array, start: number): void {
    this.#lines.begin('s', buffer, start);
    this.#end(SYMLINK, 0);
  }

  special(buffer: Uint8Array, start: number): void {
    this.#lines.begin('p', buffer, start);
    this.#end(SPECIAL, 0);
  }

  unreadable(buffer: Uint8Array, start: number, errno: string): void {
    const name = textAt(buffer, start);
    this.#lines.beginText({ kind: 'unreadable', name, errno }, name.length);
    this.#end(UNREADABLE, 0);
  }

  /** `,1` at the end of the line */
  same(): number {
    const index = this.#entries - 1;
    this.#ends[index] = this.#lines.same();
    const kind = this.#kinds[index]!;
    // Most are files, and this is done for each
    this.#kinds[index] = kind === FILE ? SAME_FILE : sames.get(kind)!;
    return index;
  }

  /** `,0` in its place */
  notSame(index: number): void {
    this.#lines.notSame(this.#ends[index]!);
    this.#kinds[index] = others.get(this.#kinds[index]!)!;
  }

  severalNames(inode: Omit<LinkedEntry, 'index'>): void {
    this.#linked.push({ index: this.#entries - 1, ...inode });
  }

  /** `]` */
  #end(kind: number, bytes: number): void {
    if (this.#entries === this.#kinds.length) this.#makeRoom();
    this.#kinds[this.#entries] = kind;
    this.#sizes[this.#entries] = bytes;
    this.#ends[this.#entries++] = this.#lines.end();
  }

  #makeRoom(): void {
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

function copied<T extends Uint8Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
