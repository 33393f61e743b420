import { readSync, writeSync } from 'node:fs';

export type Line = { readonly text: string; readonly offset: number; readonly next: number };

const chunkBytes = 1 << 16;
/** So much text is encoded at a time. */
const textAtMost = 1 << 13;

/**
 * The complete lines of an open file from `offset` on, without their newline, with a fixed amount of memory per
 * line. A last line without newline is torn and is not given. A line that `isWanted`, given the bytes and where
 * the line starts in them, refuses comes without its text: making text is most of what reading costs.
 */
export function* readLines(
  file: number,
  offset = 0,
  isWanted: (bytes: Uint8Array, start: number) => boolean = () => true,
): Generator<Line> {
  let buffer: Buffer = Buffer.allocUnsafe(chunkBytes);
  let [start, filled, position] = [0, 0, offset];
  for (;;) {
    const newline = buffer.subarray(0, filled).indexOf(10, start);
    if (newline >= 0) {
      yield {
        text: isWanted(buffer, start) ? buffer.toString('utf8', start, newline) : '',
        offset: position,
        next: position + newline + 1 - start,
      };
      position += newline + 1 - start;
      start = newline + 1;
      continue;
    }
    buffer = makeRoom(buffer, start, filled);
    [start, filled] = [0, filled - start];
    const read = readSync(file, buffer, filled, buffer.length - filled, position + filled);
    if (read === 0) return;
    filled += read;
  }
}

/** The unread rest, moved to the beginning of a buffer that has room for more. */
function makeRoom(buffer: Buffer, start: number, filled: number): Buffer {
  const rest = buffer.subarray(start, filled);
  if (rest.length < buffer.length / 2) {
    buffer.copy(buffer, 0, start, filled);
    return buffer;
  }
  const larger = Buffer.allocUnsafe(buffer.length * 2);
  rest.copy(larger);
  return larger;
}

/** Appends lines to an open file, with a fixed amount of memory: many are encoded, and many written, at a time. */
export class LineWriter {
  readonly #file: number;
  readonly #buffer = Buffer.allocUnsafeSlow(chunkBytes);
  #filled = 0;
  #written = 0;
  #text = '';

  constructor(file: number) {
    this.#file = file;
  }

  /** Adds text that ends with a newline. */
  add(lines: string): void {
    this.#text += lines;
    if (this.#text.length >= textAtMost) this.#encode();
  }

  /** Adds bytes that end with a newline. */
  addBytes(lines: Uint8Array): void {
    this.#encode();
    if (lines.length > this.#buffer.length - this.#filled) this.flush();
    if (lines.length > this.#buffer.length) this.#write(lines);
    else {
      this.#buffer.set(lines, this.#filled);
      this.#filled += lines.length;
    }
  }

  /** Where the next line begins, in bytes. */
  get offset(): number {
    this.#encode();
    return this.#written + this.#filled;
  }

  /** Puts another byte in the place of one that was added before. */
  patch(offset: number, byte: number): void {
    this.#encode();
    if (offset >= this.#written) this.#buffer[offset - this.#written] = byte;
    else writeSync(this.#file, Uint8Array.of(byte), 0, 1, offset);
  }

  /** Writes all lines to the file. */
  flush(): void {
    this.#encode();
    this.#write(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }

  #encode(): void {
    const text = this.#text;
    if (text === '') return;
    this.#text = '';
    const bytesAtMost = text.length * 3;
    if (bytesAtMost > this.#buffer.length - this.#filled) this.flush();
    if (bytesAtMost > this.#buffer.length) this.#write(Buffer.from(text));
    else this.#filled += this.#buffer.write(text, this.#filled);
  }

  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    this.#written += bytes.length;
  }
}
