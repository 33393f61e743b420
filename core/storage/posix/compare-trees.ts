import { type Difference, type DifferenceKind, differenceKinds } from '../../model/difference.ts';
import { joinPath } from '../../model/entry.ts';
import type {
  Comparison,
  EntriesAnswer,
  EntriesJob,
  Finding,
  RangeAnswer,
  RangeJob,
} from './compare-jobs.ts';
import { sayContent } from './compare-ranges.ts';
import { JobThreads } from './job-threads.ts';
import { LinkGroups } from './link-groups.ts';
import type { PairedName } from './paired-walk.ts';

export type CompareRequest = Comparison & {
  readonly threadProgram: URL;
  readonly threads: number;
};

/** What was compared so far. */
export type Compared = { entries: number; bytes: number };

/** So many names go to a thread at once. */
const namesAtMost = 256;
/** What of a large file goes to a thread at once. */
const rangeBytes = 128 * 1024 * 1024;
/** So many batches for each thread are not told yet, so that memory is bounded. */
const batchesAhead = 8;

type Batch = {
  readonly groups: { directory: string; names: string[] }[];
  /** What the walk found, each before the name with this index. */
  readonly found: { readonly before: number; readonly difference: Difference }[];
  names: number;
};

/**
 * Compares two trees and tells every difference of the entries that it is given, in their order; `compared` counts on. Both
 * trees are only read. Memory is bounded but for the table of files with several names. Used once.
 */
export class TreeComparer {
  readonly compared: Compared = { entries: 0, bytes: 0 };
  readonly #request: CompareRequest;
  readonly #threads: JobThreads;
  readonly #signal: AbortSignal;
  readonly #links = new LinkGroups();
  /** Kept when the files with several names of all batches before are known. */
  #turn: Promise<void> = Promise.resolve();
  #ordinal = 0;

  constructor(request: CompareRequest, signal: AbortSignal) {
    this.#request = request;
    const { source, destination, by, keep, modifyWindow, isFresh } = request;
    const comparison: Comparison = { source, destination, by, keep, modifyWindow, isFresh };
    this.#threads = new JobThreads(request.threadProgram, { comparison }, request.threads, signal);
    this.#signal = signal;
  }

  async *differences(entries: Iterable<PairedName>): AsyncGenerator<Difference> {
    const going: Promise<Difference[]>[] = [];
    try {
      for (const batch of batchesOf(entries)) {
        this.#signal.throwIfAborted();
        going.push(quiet(this.#compare(batch)));
        if (going.length >= this.#request.threads * batchesAhead) yield* await going.shift()!;
      }
      for (const differences of going) {
        yield* await differences;
        this.#signal.throwIfAborted();
      }
    } finally {
      await this.#threads.close();
    }
  }

  async #compare(batch: Batch): Promise<Difference[]> {
    const job: EntriesJob = { kind: 'entries', groups: batch.groups };
    const base = this.#ordinal;
    this.#ordinal += batch.names;
    const asked = this.#threads.run<EntriesAnswer>(job);
    const before = this.#turn;
    const linked = (async () => {
      const answer = await asked;
      await before;
      return { answer, links: this.#findWrongLinks(answer, base) };
    })();
    this.#turn = quiet(linked.then(() => undefined));
    const { answer, links } = await linked;
    const names = namesOf(batch);
    const contents = answer.contents.filter(({ index }) => !links.known.has(index));
    const found = await Promise.all(
      contents.map((content) => this.#compareContent(content, names[content.index]!)),
    );
    this.compared.entries += batch.names + batch.found.length;
    this.compared.bytes += answer.bytes;
    return inOrder(batch, names, [...answer.findings, ...links.findings, ...found.flat()]);
  }

  /** A name whose file was met under another name in both trees needs not be read again. */
  #findWrongLinks({ linked }: EntriesAnswer, base: number): { findings: Finding[]; known: Set<number> } {
    const [findings, known]: [Finding[], Set<number>] = [[], new Set()];
    for (const pair of linked) {
      const { index } = pair;
      const first = this.#links.firstOf(pair, base + index);
      if (first.source !== first.destination)
        if (this.#request.keep.includes('links'))
          findings.push({ index, kind: 'hard-links', detail: sayLinks(first, base + index) });
      if (first.source === first.destination && first.source !== base + index) known.add(index);
    }
    return { findings, known };
  }

  async #compareContent(
    { index, bytes }: EntriesAnswer['contents'][number],
    { directory, name }: { directory: string; name: string },
  ): Promise<Finding[]> {
    const ranges: Promise<RangeAnswer>[] = [];
    for (let from = 0; from < bytes; from += rangeBytes) {
      const job: RangeJob = { kind: 'range', directory, name, from, to: Math.min(from + rangeBytes, bytes) };
      ranges.push(this.#threads.run<RangeAnswer>(job));
    }
    const answers = await Promise.all(ranges);
    this.compared.bytes += bytes;
    const unreadable = answers.find((answer) => answer.unreadable !== undefined)?.unreadable;
    if (unreadable !== undefined) return [{ index, kind: 'unreadable', detail: unreadable }];
    const { at } = answers.find((answer) => answer.at >= 0) ?? { at: -1 };
    return at < 0 ? [] : [{ index, kind: 'content', detail: sayContent(at) }];
  }
}

function sayLinks(first: { source: number; destination: number }, own: number): string {
  if (first.destination === own) return 'a file of its own, but a further name in the source';
  if (first.source === own) return 'a further name, but a file of its own in the source';
  return 'a further name of another file than in the source';
}

/** A rejection is met when it is awaited, however late. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function* batchesOf(entries: Iterable<PairedName>): Generator<Batch> {
  let batch: Batch = { groups: [], found: [], names: 0 };
  for (const paired of entries) {
    if (paired.kind === 'found') batch.found.push({ before: batch.names, difference: paired.difference });
    else addName(batch, paired.directory, paired.name);
    if (batch.names + batch.found.length < namesAtMost) continue;
    yield batch;
    batch = { groups: [], found: [], names: 0 };
  }
  yield batch;
}

function addName(batch: Batch, directory: string, name: string): void {
  const last = batch.groups.at(-1);
  if (last?.directory === directory) last.names.push(name);
  else batch.groups.push({ directory, names: [name] });
  batch.names++;
}

function namesOf({ groups }: Batch): { directory: string; name: string }[] {
  return groups.flatMap(({ directory, names }) => names.map((name) => ({ directory, name })));
}

/** What the walk found stands where it was found; what was found of one name is told by its kind. */
function inOrder(
  { found }: Batch,
  names: readonly { directory: string; name: string }[],
  findings: readonly Finding[],
): Difference[] {
  const placed = [
    ...found.map(({ before, difference }) => ({ at: before - 0.5, difference })),
    ...findings.map(({ index, kind, detail }) => {
      const { directory, name } = names[index]!;
      const path = name === '.' ? directory : joinPath(directory, name);
      return { at: index, difference: { kind, path, detail } };
    }),
  ];
  return placed
    .sort((one, other) => one.at - other.at || rankOf(one.difference.kind) - rankOf(other.difference.kind))
    .map(({ difference }) => difference);
}

/** Only of those found of the same name: what the walk found keeps its order, since sorting is stable. */
function rankOf(kind: DifferenceKind): number {
  return kind === 'missing' || kind === 'extra' ? 0 : differenceKinds.indexOf(kind);
}
