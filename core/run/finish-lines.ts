import { readSync } from 'node:fs';
import type { Line } from './lines.ts';

/** A line of the tape, and how many there are before it in the range. */
export type NumberedLine = Line & { readonly number: number };
export type FinishLines = {
  /** Those of directories and of further names of files. */
  readonly lines: readonly NumberedLine[];
  /** How many lines of entries the range has in all; it ends before what is no entry, or torn. */
  readonly count: number;
};

// Numbers that the compiler knows
const newline = 0x0a;
const bracket = 0x5b;
const directoryLetter = 0x64;
const linkLetter = 0x6c;
/** No line of an entry has fewer before its newline: `["d",""]`. */
const bytesAtLeast = 8;
let buffer: Buffer = Buffer.allocUnsafeSlow(1 << 17);

/** Reads bytes `[from, to)` of an open tape at once, and makes text only of the lines that are finish's affair: `["d",` and `["l",`. */
export function readFinishLines(tape: number, from: number, to: number): FinishLines {
  const filled = fill(tape, from, to - from);
  const bytes = buffer;
  const lines: NumberedLine[] = [];
  let count = 0;
  for (let at = 0; at < filled && bytes[at] === bracket; count++) {
    const start = at;
    at += bytesAtLeast;
    while (at < filled && bytes[at] !== newline) at++;
    if (at >= filled) break;
    const letter = bytes[start + 2];
    if (letter === directoryLetter || letter === linkLetter) {
      const text = bytes.toString('utf8', start, at);
      lines.push({ text, offset: from + start, next: from + at + 1, number: count });
    }
    at++;
  }
  return { lines, count };
}

/** A line has seldom more bytes. */
const lineBytes = 1024;

/**
 * The lines that are named: how many entries, and bytes, of the block come before each, ascending. Undefined where one of them
 * is not there whole, or is no line of finish's.
 */
export function readNamedLines(
  tape: number,
  from: number,
  named: readonly number[],
): readonly NumberedLine[] | undefined {
  const lines: NumberedLine[] = [];
  for (let i = 0; i < named.length; i += 2) {
    const [number, before] = [named[i]!, named[i + 1] ?? -1];
    const line = before < 0 ? undefined : readLineAt(tape, from + before);
    if (line === undefined || !(line.text.startsWith('["d"') || line.text.startsWith('["l"')))
      return undefined;
    lines.push({ ...line, number });
  }
  return lines;
}

function readLineAt(file: number, offset: number): Line | undefined {
  for (let bytes = lineBytes; ; bytes *= 8) {
    const filled = fill(file, offset, bytes);
    const end = buffer.subarray(0, filled).indexOf(newline);
    if (end >= 0) return { text: buffer.toString('utf8', 0, end), offset, next: offset + end + 1 };
    if (filled < bytes) return undefined;
  }
}

function fill(file: number, offset: number, bytes: number): number {
  if (buffer.length < bytes) buffer = Buffer.allocUnsafeSlow(bytes * 2);
  let filled = 0;
  for (let read = -1; read !== 0 && filled < bytes; filled += read)
    read = readSync(file, buffer, filled, bytes - filled, offset + filled);
  return filled;
}
