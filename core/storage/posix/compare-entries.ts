import type { DifferenceKind } from '../../model/difference.ts';
import { compareAttributes } from './compare-attributes.ts';
import { filledHoles } from './compare-content.ts';
import { compareDigest } from './compare-digest.ts';
import type { Comparison, EntriesAnswer, EntriesJob, Finding, LinkedPair } from './compare-jobs.ts';
import { findDifferenceIn, sayContent } from './compare-ranges.ts';
import { type ComparedTrees, whyUnreadable } from './compared-trees.ts';
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
import { takeEntry } from './limits.ts';

/** A file of more is left, to be compared by several threads. */
const smallContent = 1024 * 1024;
/** A hole that is smaller may be filled by any file system. */
const smallestHole = 64 * 1024;
const isRoot = process.geteuid?.() === 0;

/** Compares entries of two trees. */
export class EntryComparer {
  readonly #trees: ComparedTrees;
  readonly #comparison: Comparison;
  readonly #source = new FileStatus();
  readonly #destination = new FileStatus();
  #answer = newAnswer();
  #digests: EntriesJob['digests'];

  constructor(trees: ComparedTrees) {
    this.#trees = trees;
    this.#comparison = trees.comparison;
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

  #compareOne(directory: string, name: string, index: number): void {
    // It is no entry of the source
    if (this.#trees.isVirtual && directory === '' && name === '.') return;
    takeEntry();
    const found: Found[] = [];
    try {
      const source = placeIfThere(() => this.#trees.sourceOf(directory, name));
      const destination = placeIfThere(() => this.#trees.destinationOf(directory, name));
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
      found.push({ kind: 'unreadable', detail: whyUnreadable(error) });
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
    const range = { from: 0, to: bytes, isFresh: this.#comparison.isFresh };
    const known = this.#digests?.get(index);
    this.#answer.bytes += bytes;
    const is =
      known === undefined
        ? 'unknown'
        : compareDigest(known, { source: source.status, destination, ...range });
    if (is === 'same') this.#answer.hashed += bytes;
    else {
      const at = findDifferenceIn([source, destination], range);
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
}

function isWithin(one: FileStatus, other: FileStatus, seconds: number): boolean {
  const apart = one.mtimeNs - other.mtimeNs;
  return (apart < 0n ? -apart : apart) <= BigInt(seconds) * 1_000_000_000n;
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
