import type { SourceDigest } from '../../model/source-digest.ts';
import type { Way, WayCounts } from '../../model/ways.ts';
import { ContentDigest, digestOfText } from './content-digest.ts';
import { bufferBytes, type ContentSteps, contentSteps, type Reader, type StepWay } from './content-steps.ts';
import { ENXIO, fsync, lseek, SEEK_DATA, SEEK_HOLE } from './libc.ts';
import { takeBytes } from './limits.ts';
import { copyInWindows, largeContent } from './page-cache.ts';
import { check } from './system-error.ts';
import { isRefusal, type PairWays, WayMemory } from './way-memory.ts';

/** Up to a block, sharing it costs as much as copying it (measured on xfs and btrfs). */
const reflinkAbove = 4096;
/** Files up to this size go through the buffer in one read and one write; the way hardly matters below. */
const readAndWriteUpTo = bufferBytes;
const shortWays: readonly StepWay[] = ['read/write'];
const longWays: readonly StepWay[] = ['copy_file_range', 'sendfile', 'read/write'];
/** A step of the kernel's cannot be stopped half way: it is as long as takes some time, and no more. */
const firstStepBytes = 8 * 1024 * 1024;
const leastStepBytes = 1024 * 1024;
const mostStepBytes = 64 * 1024 * 1024;
const stepMs = 500;
/** A multiple of the block size of all file systems that share blocks. */
const blockBytes = 64 * 1024;

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

export type ContentOptions = {
  readonly steps?: ContentSteps;
  readonly syncsFiles?: boolean;
  /** True: what is copied is hashed as it is read, so that nothing is shared, or copied within the kernel. */
  readonly hashes?: boolean;
};

/** Copies the content of open files, by the best way that their file systems allow. One for each thread. */
export class ContentCopy {
  readonly #steps: ContentSteps;
  readonly #syncsFiles: boolean;
  readonly #hashes: boolean;
  readonly #memory = new WayMemory();
  #counts = new Map<Way, number>();
  #digest: string | undefined;
  #source: SourceDigest | undefined;

  constructor({ steps = contentSteps, syncsFiles = false, hashes = false }: ContentOptions = {}) {
    this.#steps = steps;
    this.#syncsFiles = syncsFiles;
    this.#hashes = hashes;
  }

  /**
   * To be called before a file gets a size or a name that could be on disk before its content is: a power cut would leave
   * what looks like a copy. Otherwise content comes to the disk from front to back, and size and content together.
   * Throws a SystemError.
   */
  settle(fd: number): void {
    check(fsync(fd), 'sync');
  }

  /** To be called before a file gets its name: puts it on disk where that was asked for. Throws a SystemError. */
  secure(fd: number): void {
    if (this.#syncsFiles) check(fsync(fd), 'sync');
  }

  /**
   * Copies bytes `[from, to)` at the same offsets, leaving holes out. Stops early at the end of the source, and when
   * all is to stop. Throws a SystemError.
   */
  copy(request: ContentRequest): CopiedContent {
    this.#digest = this.#source = undefined;
    if (request.to <= request.from) return { bytes: 0, way: undefined };
    const pair = this.#memory.of(...request.devices);
    if (this.#isCloned(request, pair)) return { bytes: request.to - request.from, way: 'reflink' };
    const copied = new Stretch(request, this.#steps, pair, this.#hashes).copy();
    this.#digest = copied.digest;
    return copied;
  }

  /** False when it hashes, or all files so far have shown that these file systems share no blocks. */
  mayShare(devices: readonly [source: number, destination: number]): boolean {
    return !this.#hashes && this.#memory.of(...devices).isOpen('reflink');
  }

  /** Shares a whole file's blocks with its copy; false when that cannot be, and nothing was copied. */
  share(request: ContentRequest): boolean {
    return this.#isCloned(request, this.#memory.of(...request.devices));
  }

  /** To be called when a whole file was copied last, and its source is still of the version that it had before. */
  keepDigest({ version }: { readonly version: string }): void {
    if (this.#digest === undefined) return;
    this.#source = { version: digestOfText(version), digest: this.#digest };
  }

  /** What was kept since the last copy; undefined where nothing was hashed. */
  takeDigest(): SourceDigest | undefined {
    const source = this.#source;
    this.#source = undefined;
    return source;
  }

  /** Counts a file, or a piece of one, whose copy came to its end. */
  count(way: Way | undefined): void {
    if (way !== undefined) this.#counts.set(way, (this.#counts.get(way) ?? 0) + 1);
  }

  /** All counts since the last call. */
  takeWays(): WayCounts {
    const counts = this.#counts;
    this.#counts = new Map();
    return counts;
  }

  #isCloned(request: ContentRequest, pair: PairWays): boolean {
    const { source, destination, from, to, bytes } = request;
    if (this.#hashes || to - from <= reflinkAbove || !pair.isOpen('reflink')) return false;
    const isWhole = from === 0 && to === bytes;
    if (!isWhole && (from % blockBytes !== 0 || (to % blockBytes !== 0 && to !== bytes))) return false;
    const result = isWhole
      ? this.#steps.clone(source, destination)
      : this.#steps.cloneRange(source, destination, from, to - from);
    if (result < 0) pair.refused('reflink', result);
    else pair.worked('reflink');
    return result >= 0;
  }
}

/** One request on its way; what its file alone has refused is forgotten with it. */
class Stretch {
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
