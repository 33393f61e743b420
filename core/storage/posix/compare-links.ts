import type { LinksAnswer, LinksJob, NamedTwice } from './compare-jobs.ts';
import { type ComparedTrees, whyUnreadable } from './compared-trees.ts';
import { FileStatus } from './file-status.ts';
import { takeEntry } from './limits.ts';
import type { SourcePlace } from './source-tree.ts';

type Place = (directory: string, name: string) => SourcePlace;

/** Compares further names of files. */
export class LinkComparer {
  readonly #trees: ComparedTrees;
  readonly #further = new FileStatus();
  readonly #first = new FileStatus();

  constructor(trees: ComparedTrees) {
    this.#trees = trees;
  }

  /** What cannot be read is unknown. */
  compare({ links }: LinksJob): LinksAnswer {
    return { links: links.map((link) => this.#compareOne(link)) };
  }

  #compareOne(link: NamedTwice): LinksAnswer['links'][number] {
    takeEntry();
    try {
      const source = this.#areOne(link, (...place) => this.#trees.sourceOf(...place));
      const destination = this.#areOne(link, (...place) => this.#trees.destinationOf(...place));
      if (source !== true || destination === undefined) return 'unknown';
      return destination ? 'right' : 'wrong';
    } catch (error) {
      whyUnreadable(error);
      return 'unknown';
    }
  }

  /** Undefined where one of both is not there. */
  #areOne({ directory, name, firstDirectory, firstName }: NamedTwice, placeOf: Place): boolean | undefined {
    const further = placeOf(directory, name);
    if (this.#further.read(further.directory, further.name) !== 0) return undefined;
    const first = placeOf(firstDirectory, firstName);
    if (this.#first.read(first.directory, first.name) !== 0) return undefined;
    return this.#further.isSameFileAs(this.#first);
  }
}
