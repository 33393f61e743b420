import { findDifference } from './compare-content.ts';
import { compareDigest } from './compare-digest.ts';
import type { HashedAnswer, HashedJob, RangeAnswer, RangeJob } from './compare-jobs.ts';
import { type ComparedTrees, whyUnreadable } from './compared-trees.ts';
import { withBoth } from './entry-sides.ts';
import { FileStatus } from './file-status.ts';
import type { SourcePlace } from './source-tree.ts';

/** Compares ranges of the content of files. */
export class RangeComparer {
  readonly #trees: ComparedTrees;
  readonly #source = new FileStatus();
  readonly #destination = new FileStatus();

  constructor(trees: ComparedTrees) {
    this.#trees = trees;
  }

  /** What cannot be read is part of the answer. */
  compare({ directory, name, from, to }: RangeJob): RangeAnswer {
    try {
      const source = this.#trees.sourceOf(directory, name);
      const sides = [source, this.#trees.destinationOf(directory, name)] as const;
      const { isFresh } = this.#trees.comparison;
      return { at: findDifferenceIn(sides, { from, to, isFresh }), unreadable: undefined };
    } catch (error) {
      return { at: -1, unreadable: whyUnreadable(error) };
    }
  }

  /** Of a copy of which a digest is known; what cannot be read is unknown. */
  compareHashed({ directory, name, from, to, source: known }: HashedJob): HashedAnswer {
    try {
      const source = this.#trees.sourceOf(directory, name);
      const destination = this.#trees.destinationOf(directory, name);
      if (!this.#areAlike(source, destination)) return { is: 'unknown' };
      const { isFresh } = this.#trees.comparison;
      const sides = { source: this.#source, destination: { ...destination, status: this.#destination } };
      return { is: compareDigest(known, { ...sides, from, to, isFresh }) };
    } catch (error) {
      whyUnreadable(error);
      return { is: 'unknown' };
    }
  }

  /** True when both are there, with the same number of bytes. */
  #areAlike(source: SourcePlace, destination: SourcePlace): boolean {
    return (
      this.#source.read(source.directory, source.name) === 0 &&
      this.#destination.read(destination.directory, destination.name) === 0 &&
      this.#source.bytes === this.#destination.bytes
    );
  }
}

/** A range, and whether the destination is read from its disk. */
export type ComparedRange = { readonly from: number; readonly to: number; readonly isFresh: boolean };

/** The first byte at which both sides of a file differ, or -1. Throws a SystemError. */
export function findDifferenceIn(
  sides: readonly [SourcePlace, SourcePlace],
  { from, to, isFresh }: ComparedRange,
): number {
  return withBoth(sides, (source, destination) => findDifference({ source, destination, isFresh }, from, to));
}

/** A difference of content, from its first byte, for people. */
export function sayContent(at: number): string {
  return `from byte ${at} on`;
}
