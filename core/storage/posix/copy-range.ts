import type { Way } from '../../model/ways.ts';
import { ContentDigest } from './content-digest.ts';
import { bufferBytes, type ContentSteps, type Reader, type StepWay } from './content-steps.ts';
import { ENXIO, lseek, SEEK_DATA, SEEK_HOLE } from './libc.ts';
import { takeBytes } from './limits.ts';
import { copyInWindows, largeContent } from './page-cache.ts';
import { check } from './system-error.ts';
import { isRefusal, type PairWays } from './way-memory.ts';

/** Files up to this size go through the buffer in one read and one write; the way hardly matters below. */
const readAndWriteUpTo = bufferBytes;
const shortWays: readonly StepWay[] = ['read/write'];
const longWays: readonly StepWay[] = ['copy_file_range', 'sendfile', 'read/write'];
/** A step of the kernel's cannot be stopped half way: it is as long as takes some time, and no more. */
const firstStepBytes = 8 * 1024 * 1024;
const leastStepBytes = 1024 * 1024;
const mostStepBytes = 64 * 1024 * 1024;
const stepMs = 500;

export type ContentRequest = {
  readonly source: number;
  readonly destination: number;
  /** The file systems of both, as FileStatus tells them. */
  readonly devices: readonly [source: number, destination: number];
  readonly from: number;
  readonly to: number;
  /** The size of the source. */
  readonly bytes: number;
  /** False when all of it is allocated: then nothing has to be asked about holes. */
  readonly maySkipHoles: boolean;
};

export type CopiedContent = {
  readonly bytes: number;
  /** Undefined when there was nothing to copy. */
  readonly way: Way | undefined;
  /** How far the copy came when it was stopped; left out when it came to its end. */
  readonly stoppedAt?: number;
  /** Of all bytes up to there, or to the end of what was asked for, holes too; left out where they are not hashed, or came to a sooner end. */
  readonly digest?: string;
};

/** One request on its way; what its file alone has refused is forgotten with it. */
export class RangeCopy {
  readonly #request: ContentRequest;
  readonly #steps: ContentSteps;
  readonly #pair: PairWays;
  readonly #ways: StepWay[];
  readonly #digest: ContentDigest | undefined;
  readonly #show: Reader | undefined;
  #taken: Way | undefined;
  #stepBytes = firstStepBytes;
  #stoppedAt: number | undefined;

  constructor(request: ContentRequest, steps: ContentSteps, pair: PairWays, hashes: boolean) {
    this.#request = request;
    this.#steps = steps;
    this.#pair = pair;
    const isShort = hashes || request.to - request.from <= readAndWriteUpTo;
    this.#ways = (isShort ? shortWays : longWays).filter((way) => pair.isOpen(way));
    const digest = hashes ? new ContentDigest(request.from) : undefined;
    this.#digest = digest;
    this.#show = digest && ((bytes) => digest.add(bytes));
  }

  copy(): CopiedContent {
    const { from, to } = this.#request;
    const isLarge = to - from >= largeContent;
    const bytes = isLarge
      ? copyInWindows(this.#request, (at, end) => ({
          bytes: this.#data(at, end),
          isStopped: this.#isStopped,
        }))
      : this.#data(from, to);
    const isWhole = this.#digest?.position === (this.#stoppedAt ?? to);
    return {
      bytes,
      way: this.#taken,
      ...(this.#stoppedAt !== undefined && { stoppedAt: this.#stoppedAt }),
      ...(isWhole && { digest: this.#digest!.end() }),
    };
  }

  get #isStopped(): boolean {
    return this.#stoppedAt !== undefined;
  }

  /** Only what is not a hole (lseek(2), SEEK_DATA). */
  #data(from: number, to: number): number {
    const { source, maySkipHoles } = this.#request;
    if (!maySkipHoles) return this.#range(from, to);
    let copied = 0;
    for (let at = from; at < to && !this.#isStopped; ) {
      const data = lseek(source, at, SEEK_DATA);
      if (data < 0 && data !== ENXIO) return copied + this.#range(at, to);
      const isOver = data === ENXIO || data >= to;
      this.#digest?.zerosUpTo(isOver ? to : data);
      if (isOver) break;
      const hole = Math.min(to, check(lseek(source, data, SEEK_HOLE), 'look for holes'));
      copied += this.#range(data, hole);
      at = hole;
    }
    return copied;
  }

  #range(from: number, to: number): number {
    let at = from;
    while (at < to && !this.#isStopped) {
      const way = this.#ways[0]!;
      const step = takeBytes(Math.min(way === 'read/write' ? bufferBytes : this.#stepBytes, to - at));
      if (step === 0) {
        this.#stoppedAt = at;
        break;
      }
      const copied = this.#step(way, at, step);
      if (copied > 0) at += this.#took(way, copied);
      else if (way === 'read/write' && copied === 0) break;
      else this.#leave(way, copied);
    }
    return at - from;
  }

  #step(way: StepWay, at: number, bytes: number): number {
    const start = performance.now();
    const { source, destination } = this.#request;
    const copied = this.#steps[way](source, destination, at, bytes, this.#show);
    const ms = performance.now() - start;
    if (bytes === this.#stepBytes && ms < stepMs / 4) this.#stepBytes = Math.min(mostStepBytes, bytes * 2);
    else if (ms > stepMs) this.#stepBytes = Math.max(leastStepBytes, this.#stepBytes / 2);
    return copied;
  }

  #took(way: StepWay, copied: number): number {
    if (this.#taken !== way) this.#pair.worked(way);
    this.#taken = way;
    return copied;
  }

  /** The last way is never left: it throws what is wrong. Nothing copied (0) may be the end, or a file system that only says so. */
  #leave(way: StepWay, result: number): void {
    if (result < 0) {
      if (!isRefusal(result)) check(result, 'copy');
      this.#pair.refused(way, result);
    }
    this.#ways.shift();
  }
}
