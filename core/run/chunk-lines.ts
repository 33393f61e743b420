import type { Entry } from '../model/entry.ts';
import { fromBytes } from '../model/names.ts';
import type { Stamp } from '../model/stamp.ts';
import { formatTapeLine } from './tape-line.ts';

const [quote, backslash, comma, newline, bracket] = [0x22, 0x5c, 0x2c, 0x0a, 0x5b];
/** More bytes than any line has apart from its name or path. */
const lineAround = 128;
/** What fits into an int is written digit by digit. */
const largestQuick = 0x7fffffff;
/** JSON writes a byte as six characters at most (\u001f). */
const bytesPerByte = 6;
const nameAtMost = 256;

/**
 * The lines of a chunk, byte after byte. Names go from bytes to bytes: text is made only of those that JSON writes
 * otherwise. A line is begun, may get more, and is ended; it finds the room that it needs.
 */
export class ChunkLines {
  #bytes: Buffer;
  #filled: number;

  constructor(buffer = new ArrayBuffer(1 << 14), filled = 0) {
    this.#bytes = Buffer.from(buffer);
    this.#filled = filled;
  }

  /** Where the next line begins. */
  get filled(): number {
    return this.#filled;
  }
  /** It can be transferred. */
  get buffer(): ArrayBuffer {
    return this.#bytes.buffer as ArrayBuffer;
  }
  between(from: number, to: number): Buffer {
    return this.#bytes.subarray(from, to);
  }
  /** Where the last quote is before `end`. */
  lastQuote(end: number): number {
    return this.#bytes.lastIndexOf(quote!, end - 1);
  }
  clear(): void {
    this.#filled = 0;
  }

  /** `["f","name"`; the name ends with a zero. */
  begin(letter: string, buffer: Uint8Array, start: number): void {
    this.#makeRoom(nameAtMost * bytesPerByte + lineAround);
    const lines = this.#bytes;
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

  /** The same of any entry whose name or path has `length` characters. */
  beginText(entry: Entry, length: number): void {
    this.#makeRoom(length * bytesPerByte + lineAround);
    this.#filled += this.#bytes.write(formatTapeLine(entry).slice(0, -2), this.#filled);
  }

  /** `,4096` */
  number(value: number): void {
    this.#number(comma!, value);
  }

  /** `,[1,2,3,4,5]`, numbers in the order of a stamp's. */
  stamp({ mtimeSeconds, mtimeNanoseconds, mode, uid, gid }: Stamp): void {
    this.#bytes[this.#filled++] = comma;
    this.#number(bracket!, mtimeSeconds);
    this.#number(comma!, mtimeNanoseconds);
    this.#number(comma!, mode);
    this.#number(comma!, uid);
    this.#number(comma!, gid);
    this.#bytes[this.#filled++] = 0x5d;
  }

  /** `]`; returns where the line ends. */
  end(): number {
    this.#bytes[this.#filled] = 0x5d;
    this.#bytes[this.#filled + 1] = newline;
    this.#filled += 2;
    return this.#filled;
  }

  /** `,1` at the end of the last line; returns where it ends now. */
  same(): number {
    this.#makeRoom(lineAround);
    this.#filled -= 2;
    this.#bytes[this.#filled] = comma;
    this.#bytes[this.#filled + 1] = 0x31;
    this.#filled += 2;
    return this.end();
  }

  /** `,0` in its place, of a line that ends there. */
  notSame(end: number): void {
    this.#bytes[end - 3] = 0x30;
  }

  #escaped(name: string): void {
    this.#filled += 5;
    this.#filled += this.#bytes.write(JSON.stringify(name), this.#filled);
  }

  /** A sign and a number. */
  #number(sign: number, value: number): void {
    this.#bytes[this.#filled++] = sign;
    if (value < 10 && value >= 0) this.#bytes[this.#filled++] = 0x30 + value;
    else if (value < 0 || value > largestQuick)
      this.#filled += this.#bytes.write(String(value), this.#filled, 'latin1');
    else this.#digits(value);
  }

  /** Making text of it takes several times as long. */
  #digits(value: number): void {
    const lines = this.#bytes;
    let end = this.#filled + 1;
    for (let rest = (value / 10) | 0; rest > 0; rest = (rest / 10) | 0) end++;
    this.#filled = end;
    for (let rest = value | 0; end-- > 0 && rest > 0; ) {
      const tens = (rest / 10) | 0;
      lines[end] = 0x30 + rest - tens * 10;
      rest = tens;
    }
  }

  #makeRoom(bytes: number): void {
    if (this.#filled + bytes > this.#bytes.length) this.#bytes = grown(this.#bytes, bytes);
  }
}

function grown(lines: Buffer, atLeast: number): Buffer {
  const larger = Buffer.from(new ArrayBuffer(lines.length * 2 + atLeast));
  larger.set(lines);
  return larger;
}

/** Text of a name that ends with a zero. */
export function textAt(buffer: Uint8Array, start: number): string {
  return fromBytes(buffer.subarray(start, buffer.indexOf(0, start)));
}
