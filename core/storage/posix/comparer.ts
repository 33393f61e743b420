import { EntryComparer } from './compare-entries.ts';
import type {
  CompareJob,
  Comparison,
  EntriesAnswer,
  HashedAnswer,
  LinksAnswer,
  RangeAnswer,
} from './compare-jobs.ts';
import { LinkComparer } from './compare-links.ts';
import { RangeComparer } from './compare-ranges.ts';
import { ComparedTrees } from './compared-trees.ts';

/** Compares two trees, job by job; nothing of them is written to. */
export class Comparer {
  readonly #trees: ComparedTrees;
  readonly #entries: EntryComparer;
  readonly #ranges: RangeComparer;
  readonly #links: LinkComparer;

  constructor(comparison: Comparison) {
    this.#trees = new ComparedTrees(comparison);
    this.#entries = new EntryComparer(this.#trees);
    this.#ranges = new RangeComparer(this.#trees);
    this.#links = new LinkComparer(this.#trees);
  }

  /** What cannot be read is part of the answer, never an exception. */
  answer(job: CompareJob): EntriesAnswer | RangeAnswer | HashedAnswer | LinksAnswer {
    if (job.kind === 'entries') return this.#entries.compare(job);
    if (job.kind === 'hashed') return this.#ranges.compareHashed(job);
    return job.kind === 'range' ? this.#ranges.compare(job) : this.#links.compare(job);
  }

  close(): void {
    this.#trees.close();
  }
}
