import type { DifferenceKind } from '../../model/difference.ts';
import type { SourceDigest } from '../../model/source-digest.ts';
import { compareAttributes } from './compare-attributes.ts';
import { filledHoles, findDifference } from './compare-content.ts';
import { compareDigest } from './compare-digest.ts';
import type {
  CompareJob,
  Comparison,
  EntriesAnswer,
  EntriesJob,
  Finding,
  HashedAnswer,
  HashedJob,
  LinkedPair,
  LinksAnswer,
  LinksJob,
  NamedTwice,
  RangeAnswer,
  RangeJob,
} from './compare-jobs.ts';
import { DirectoryStack } from './directory-stack.ts';
import {
  deviceOf,
  type Found,
  inodeOf,
  modeOf,
  placeIfThere,
  readTarget,
  type Side,
  typeOf,
  whyGone,
  withBoth,
} from './entry-sides.ts';
import { placeOf } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import { nativeName } from './libc.ts';
import { setLimits, takeEntry } from './limits.ts';
import { openExistingDirectory } from './open-directory.ts';
import { openedSource, type SourceDirectories, type SourcePlace, SourceTree } from './source-tree.ts';
import { SystemError } from './system-error.ts';

/** A file of more is left, to be compared by several threads. */
const smallContent = 1024 * 1024;
/** A hole that is smaller may be filled by any file system. */
const smallestHole = 64 * 1024;
const isRoot = process.geteuid?.() === 0;

/** Compares entries of two trees; nothing of them is written to. */
export class EntryComparer {
  readonly #comparison: Comparison;
  readonly #sources: SourceDirectories;
  readonly #destinations: DirectoryStack;
  readonly #source = new FileStatus();
  readonly #destination = new FileStatus();
  #answer = newAnswer();
  #digests: EntriesJob['digests'];

  constructor(comparison: Comparison) {
    this.#comparison = comparison;
    const { source, limits } = comparison;
    if (limits !== undefined) setLimits(limits);
    this.#sources = typeof source === 'number' ? openedSource(source) : new SourceTree(source);
    this.#destinations = new DirectoryStack(comparison.destination, openExistingDirectory);
  }

  answer(job: CompareJob): EntriesAnswer | RangeAnswer | HashedAnswer | LinksAnswer {
    if (job.kind === 'entries') return this.compare(job);
    if (job.kind === 'hashed') return this.compareHashed(job);
    return job.kind === 'range' ? this.compareRange(job) : this.compareLinks(job);
  }

  /** What cannot be read is a finding, never an exception. */
  compare({ groups, digests }: EntriesJob): EntriesAnswer {
    this.#answer = newAnswer();
    this.#digests = digests;
    let index = 0;
    for (const { directory, names } of groups)
      for (const name of names) this.#compareOne(directory, name, index++);
    return this.#answer;
  }

  /** The content of a file in a range. */
  compareRange({ directory, name, from, to }: RangeJob): RangeAnswer {
    try {
      const sides = [this.#sources.place(directory, name), this.#destinationOf(directory, name)] as const;
      return { at: this.#findDifference(sides, from, to), unreadable: undefined };
    } catch (error) {
      return { at: -1, unreadable: causeOf(error) };
    }
  }

  /** The content of a copy in a range, of which a digest is known. */
  compareHashed({ directory, name, from, to, source: known }: HashedJob): HashedAnswer {
    try {
      const source = this.#sources.place(directory, name);
      const destination = this.#destinationOf(directory, name);
      const areThere =
        this.#source.read(source.directory, source.name) === 0 &&
        this.#destination.read(destination.directory, destination.name) === 0 &&
        this.#source.bytes === this.#destination.bytes;
      return { is: areThere ? this.#compareDigest(destination, known, [from, to]) : 'unknown' };
    } catch (error) {
      causeOf(error);
      return { is: 'unknown' };
    }
  }

  /** Of files whose status was just read. Throws a SystemError. */
  #compareDigest(
    { directory, name }: SourcePlace,
    known: SourceDigest,
    [from, to]: readonly [number, number],
  ): HashedAnswer['is'] {
    const destination = { directory, name, status: this.#destination };
    const { isFresh } = this.#comparison;
    return compareDigest(known, { source: this.#source, destination, from, to, isFresh });
  }

  /** What cannot be read is unknown. */
  compareLinks({ links }: LinksJob): LinksAnswer {
    return { links: links.map((link) => this.#compareLink(link)) };
  }

  #compareLink({ directory, name, firstDirectory, firstName }: NamedTwice): LinksAnswer['links'][number] {
    takeEntry();
    const areOne = (placeOf: (directory: string, name: string) => SourcePlace) => {
      const one = placeOf(directory, name);
      if (this.#source.read(one.directory, one.name) !== 0) return undefined;
      const first = placeOf(firstDirectory, firstName);
      if (this.#destination.read(first.directory, first.name) !== 0) return undefined;
      return this.#source.isSameFileAs(this.#destination);
    };
    try {
      const [source, destination] = [
        areOne((...place) => this.#sources.place(...place)),
        areOne((...place) => this.#destinationOf(...place)),
      ];
      if (source !== true || destination === undefined) return 'unknown';
      return destination ? 'right' : 'wrong';
    } catch (error) {
      causeOf(error);
      return 'unknown';
    }
  }

  close(): void {
    this.#sources.close();
    this.#destinations.close();
  }

  #destinationOf(directory: string, name: string): SourcePlace {
    return { directory: this.#destinations.enter(directory), name: nativeName(name) };
  }

  #compareOne(directory: string, name: string, index: number): void {
    // It is no entry of the source
    if (this.#sources.isVirtual && directory === '' && name === '.') return;
    takeEntry();
    const found: Found[] = [];
    try {
      const source = placeIfThere(() => this.#sources.place(directory, name));
      const destination = placeIfThere(() => this.#destinationOf(directory, name));
      const gone = whyGone(
        { place: source, status: this.#source },
        { place: destination, status: this.#destination },
      );
      if (gone === undefined) {
        const sides = [
          { ...source!, status: this.#source },
          { ...destination!, status: this.#destination },
        ] as const;
        this.#compareBoth(...sides, index, found);
      } else if (gone !== 'both') found.push(gone);
    } catch (error) {
      found.push({ kind: 'unreadable', detail: causeOf(error) });
    }
    for (const { kind, detail } of found) this.#answer.findings.push({ index, kind, detail });
  }

  #compareBoth(source: Side, destination: Side, index: number, found: Found[]): void {
    const { keep, modifyWindow } = this.#comparison;
    const [from, to] = [source.status, destination.status];
    if (from.type !== to.type || (from.type === 'special' && from.fullMode >> 12 !== to.fullMode >> 12)) {
      found.push({ kind: 'type', detail: `${typeOf(from)}, ${typeOf(to)} at the destination` });
      return;
    }
    const say = (kind: DifferenceKind, was: string, is: string) =>
      void (was === is || found.push({ kind, detail: `${was}, ${is} at the destination` }));
    if (from.type === 'symlink') say('link-target', readTarget(source), readTarget(destination));
    if (from.isDevice) say('type', deviceOf(from), deviceOf(to));
    if (keep.includes('mode') && from.type !== 'symlink') say('mode', modeOf(from), modeOf(to));
    if (keep.includes('owner')) say('owner', `${from.uid}:${from.gid}`, `${to.uid}:${to.gid}`);
    if (this.#mindsTime(from) && !isWithin(from, to, modifyWindow)) say('mtime', from.mtime, to.mtime);
    this.#compareAttributes(source, destination, found);
    if (from.type === 'file') this.#compareFiles(source, destination, index, found);
  }

  /** Also where times are not to be kept: those of files are what says that their contents are the same. */
  #mindsTime({ type }: FileStatus): boolean {
    const { keep, by } = this.#comparison;
    return keep.includes('times') || (by === 'mtime' && type === 'file');
  }

  #compareAttributes(source: Side, destination: Side, found: Found[]): void {
    const { keep } = this.#comparison;
    if (!keep.includes('xattr') && !keep.includes('acl')) return;
    // Nobody else sees what a symlink may have
    if (source.status.type === 'symlink' && !isRoot) return;
    const placed = ({ directory, name, status }: Side) => ({
      place: placeOf(directory, name),
      device: status.deviceNumber,
    });
    found.push(...compareAttributes(placed(source), placed(destination), keep));
  }

  #compareFiles(source: Side, destination: Side, index: number, found: Found[]): void {
    const [from, to] = [source.status, destination.status];
    const isLinked = from.links > 1 || to.links > 1;
    if (isLinked) this.#answer.linked.push({ index, source: inodeOf(from), destination: inodeOf(to) });
    const { bytes } = from;
    if (bytes !== to.bytes) {
      found.push({ kind: 'size', detail: `${bytes} bytes, ${to.bytes} at the destination` });
      return;
    }
    const filled = this.#filledHoles(source, destination);
    if (filled > 0) found.push({ kind: 'holes', detail: `${filled} bytes of holes are filled` });
    if (this.#comparison.by !== 'checksum' || bytes === 0) return;
    if (isLinked || bytes > smallContent) this.#answer.contents.push({ index, bytes });
    else this.#compareSmall(source, destination, index, found);
  }

  #compareSmall(source: Side, destination: Side, index: number, found: Found[]): void {
    const { bytes } = source.status;
    const known = this.#digests?.get(index);
    this.#answer.bytes += bytes;
    const is = known === undefined ? 'unknown' : this.#compareDigest(destination, known, [0, bytes]);
    if (is === 'same') this.#answer.hashed += bytes;
    else {
      const at = this.#findDifference([source, destination], 0, bytes);
      if (at >= 0) found.push({ kind: 'content', detail: sayContent(at) });
      else if (is === 'other') this.#answer.otherwise++;
    }
  }

  /** What takes more room than in the source is looked at: a file system may allocate more than it was asked for. */
  #filledHoles(source: Side, destination: Side): number {
    const [from, to] = [source.status, destination.status];
    const least = Math.max(smallestHole, to.blockBytes);
    if (from.allocatedBytes >= from.bytes || to.allocatedBytes - from.allocatedBytes < least) return 0;
    return withBoth([source, destination], (one, other) => filledHoles(one, other, from.bytes, least));
  }

  #findDifference(sides: readonly [SourcePlace, SourcePlace], from: number, to: number): number {
    const { isFresh } = this.#comparison;
    return withBoth(sides, (source, destination) =>
      findDifference({ source, destination, isFresh }, from, to),
    );
  }
}

function isWithin(one: FileStatus, other: FileStatus, seconds: number): boolean {
  const apart = one.mtimeNs - other.mtimeNs;
  return (apart < 0n ? -apart : apart) <= BigInt(seconds) * 1_000_000_000n;
}

export function sayContent(at: number): string {
  return `from byte ${at} on`;
}

type NewAnswer = {
  findings: Finding[];
  linked: LinkedPair[];
  contents: { index: number; bytes: number }[];
  bytes: number;
  hashed: number;
  otherwise: number;
};

function newAnswer(): NewAnswer {
  return { findings: [], linked: [], contents: [], bytes: 0, hashed: 0, otherwise: 0 };
}

function causeOf(error: unknown): string {
  if (error instanceof SystemError) return error.message;
  throw error;
}
