import type { SourceDigest } from '../../model/source-digest.ts';
import type { Way, WayCounts } from '../../model/ways.ts';
import { digestOfText } from './content-digest.ts';
import { type ContentSteps, contentSteps } from './content-steps.ts';
import { type ContentRequest, type CopiedContent, RangeCopy } from './copy-range.ts';
import { fsync } from './libc-content.ts';
import { check } from './system-error.ts';
import { type PairWays, WayMemory } from './way-memory.ts';

/** Up to a block, sharing it costs as much as copying it (measured on xfs and btrfs). */
const reflinkAbove = 4096;
/** A multiple of the block size of all file systems that share blocks. */
const blockBytes = 64 * 1024;

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
    const copied = new RangeCopy(request, this.#steps, pair, this.#hashes).copy();
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
