import type { Forecast } from '../../model/forecast.ts';
import { type EntryToForetell, Foreteller, type ForetellerRequest } from './foreteller.ts';
import { answerJobs, type JobPort, JobThreads } from './job-threads.ts';

export type ForetellRequest = {
  readonly trees: ForetellerRequest;
  readonly threadProgram: URL;
  readonly threads: number;
};

/** Something that travels along with its entry; without one nothing is foretold of it. */
export type Asked<T> = { readonly item: T; readonly entry: EntryToForetell | undefined };
export type Foretold<T> = { readonly item: T; readonly forecast: Forecast | undefined };

/** So many entries go to a thread at once. */
const entriesAtMost = 256;
/** So many batches for each thread are not told yet, so that memory is bounded. */
const batchesAhead = 4;

/** Foretells entries by threads, and tells them in the order in which they were asked for. Throws a SystemError when a tree is not there. */
export async function* foretellEntries<T>(
  { trees, threadProgram, threads: count }: ForetellRequest,
  asked: Iterable<Asked<T>>,
  signal: AbortSignal,
): AsyncGenerator<Foretold<T>> {
  new Foreteller(trees).close();
  const threads = new JobThreads(threadProgram, { foretelling: trees }, count, signal);
  const going: Promise<Foretold<T>[]>[] = [];
  try {
    for (const batch of batchesOf(asked)) {
      signal.throwIfAborted();
      const told = foretellBatch(threads, batch);
      told.catch(() => undefined);
      going.push(told);
      if (going.length >= count * batchesAhead) yield* await going.shift()!;
    }
    for (const told of going) {
      yield* await told;
      signal.throwIfAborted();
    }
  } finally {
    await threads.close();
  }
}

async function foretellBatch<T>(threads: JobThreads, batch: readonly Asked<T>[]): Promise<Foretold<T>[]> {
  const entries = batch.flatMap(({ entry }) => entry ?? []);
  const forecasts = entries.length === 0 ? [] : await threads.run<Forecast[]>(entries);
  let at = 0;
  return batch.map(({ item, entry }) => ({ item, forecast: entry && forecasts[at++] }));
}

function* batchesOf<T>(items: Iterable<T>): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < entriesAtMost) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** The body of a thread that foretells entries. */
export function answerForetelling(port: JobPort, trees: ForetellerRequest): void {
  const foreteller = new Foreteller(trees);
  answerJobs(
    port,
    (job) => (job as readonly EntryToForetell[]).map((entry) => foreteller.foretell(entry)),
    () => foreteller.close(),
  );
}
