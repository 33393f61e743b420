import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { comparePaths } from '../../core/model/byte-order.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';
import { parseHeader, parseLine, type SavedEntry, type SavedHeader } from '../../core/model/saved-list.ts';
import { readLines } from '../../core/run/lines.ts';

const brace = '{'.charCodeAt(0);

/** True of a file that begins as a saved list does; no other file that can be compared does. */
export function isSavedList(path: string): boolean {
  const first = new Uint8Array(1);
  const fd = openSync(Buffer.from(toBytes(path)), 'r');
  try {
    return readSync(fd, first) === 1 && first[0] === brace;
  } finally {
    closeSync(fd);
  }
}

/** A list that bcopy has saved, read line by line and as often as is asked: memory does not grow with it. */
export class SavedListReader {
  readonly header: SavedHeader;
  readonly #given: string;
  readonly #fd: number;

  /** All of it is understood before anything is done with it. Throws a BcopyError at the first line that cannot be used, with its number. */
  constructor(path: string) {
    this.#given = path;
    this.#fd = openSync(Buffer.from(toBytes(path)), 'r');
    const first = readLines(this.#fd).next().value;
    const header = first === undefined ? 'it is torn: it has no end' : parseHeader(first.text);
    if (typeof header === 'string') throw this.#refuse(1, header);
    this.header = header;
    for (const _ of this.entries());
  }

  *entries(): Generator<SavedEntry> {
    let [number, last, end] = [1, undefined as string | undefined, 0];
    let count: number | undefined;
    for (const { text, next } of readLines(this.#fd)) {
      end = next;
      if (number++ === 1) continue;
      if (count !== undefined) throw this.#refuse(number - 1, 'it comes after the last one');
      const line = parseLine(text, this.header);
      if (typeof line === 'string') throw this.#refuse(number - 1, line);
      if ('entries' in line) count = line.entries;
      else {
        if (last !== undefined && comparePaths(last, line.path) >= 0)
          throw this.#refuse(number - 1, `${quoteName(line.path)} does not come after ${quoteName(last)}`);
        last = line.path;
        yield line;
      }
    }
    if (fstatSync(this.#fd).size > end) throw this.#refuse(number, 'it is torn: it has no end');
    if (count !== number - 3) throw this.#refuse(number, 'the list is torn: it ends before its last line');
  }

  close(): void {
    closeSync(this.#fd);
  }

  #refuse(line: number, why: string): BcopyError {
    return new BcopyError('usage', `cannot use the list ${quoteName(this.#given)}: line ${line}: ${why}`);
  }
}
