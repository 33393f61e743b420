import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';

/** So many paths are kept in memory; twice as many make half of them go to the file. */
const keep = 32_768;

/** A mark stands in the stack for something else than a path: no path has this character. */
const markSign = '\0';

export function markOf(number: number): string {
  return `${markSign}${number}`;
}

/** The number of a mark; undefined for a path. */
export function numberOf(pathOrMark: string): number | undefined {
  return isMark(pathOrMark) ? Number(pathOrMark.slice(1)) : undefined;
}

function isMark(text: string): boolean {
  return text.startsWith(markSign);
}

/** Directories still to be scanned, last in first out, with a fixed amount of memory: the rest waits in a file. */
export class PendingDirectories {
  readonly #path: string;
  #file: number | undefined;
  #spilled: { offset: number; bytes: number }[] = [];
  #paths: string[] = [];

  /** `path` is a file that may be made (and is removed by `close`) when there are many. */
  constructor(path: string) {
    this.#path = path;
  }

  /** How many paths and marks are in memory. */
  get atHand(): number {
    return this.#paths.length;
  }

  push(path: string): void {
    this.#paths.push(path);
    if (this.#paths.length >= 2 * keep) this.#spill();
  }

  /** The path, or mark, that was pushed last. */
  pop(): string | undefined {
    if (this.#paths.length === 0) this.#fetch();
    return this.#paths.pop();
  }

  /**
   * Takes up to `atMost` paths out and leaves one mark in their place: the topmost that lie together, as near to the
   * top as there are any. In the order of the stack; empty when there are none at hand.
   */
  takeOut(atMost: number, mark: string): string[] {
    let end = this.#paths.length;
    while (end > 0 && isMark(this.#paths[end - 1]!)) end--;
    let start = end;
    while (start > 0 && end - start < atMost && !isMark(this.#paths[start - 1]!)) start--;
    return start === end ? [] : this.#paths.splice(start, end - start, mark);
  }

  close(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    unlinkSync(this.#path);
    this.#file = undefined;
  }

  /** Moves the older half to the end of the file. */
  #spill(): void {
    this.#file ??= openSync(this.#path, 'w+', 0o600);
    const block = Buffer.from(JSON.stringify(this.#paths.splice(0, keep)));
    const last = this.#spilled.at(-1);
    const offset = last === undefined ? 0 : last.offset + last.bytes;
    for (let done = 0; done < block.length; )
      done += writeSync(this.#file, block, done, block.length - done, offset + done);
    this.#spilled.push({ offset, bytes: block.length });
  }

  #fetch(): void {
    const block = this.#spilled.pop();
    if (block === undefined) return;
    const buffer = Buffer.alloc(block.bytes);
    readSync(this.#file!, buffer, 0, block.bytes, block.offset);
    ftruncateSync(this.#file!, block.offset);
    this.#paths = JSON.parse(buffer.toString()) as string[];
  }
}
