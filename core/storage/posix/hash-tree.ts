import type { Algorithm } from '../../model/algorithm.ts';
import type { Hashed, Hashing, HashJob, NamedFile } from './hash-jobs.ts';
import { JobThreads } from './job-threads.ts';
import type { SharedLimits } from './limits.ts';

export type HashRequest = Hashing & {
  readonly threadProgram: URL;
  readonly threads: number;
  /** All that files may ask for. */
  readonly algorithms: readonly Algorithm[];
  /** What all threads together may read; left out: as much as they can. */
  readonly limits?: SharedLimits | undefined;
};

export type HashedFile<F extends NamedFile> = { readonly file: F; readonly hashed: Hashed };

const filesAtMost = 128;
/** So many batches for each thread are not told yet, so that memory is bounded. */
const batchesAhead = 8;

/** Hashes files of a tree by threads, and tells them in the order in which they were asked for. */
export async function* hashFiles<F extends NamedFile>(
  request: HashRequest,
  files: Iterable<F>,
  signal: AbortSignal,
): AsyncGenerator<HashedFile<F>> {
  const { root, algorithm, algorithms, isFresh, followsSymlinks, passOver, limits } = request;
  const hashing: Hashing = { root, algorithm, isFresh, followsSymlinks, passOver };
  const threads = new JobThreads(
    request.threadProgram,
    { hashing, algorithms, limits },
    request.threads,
    signal,
  );
  const going: Promise<HashedFile<F>[]>[] = [];
  try {
    for (const batch of batchesOf(files)) {
      signal.throwIfAborted();
      const hashed = hashBatch(threads, batch);
      hashed.catch(() => undefined);
      going.push(hashed);
      if (going.length >= request.threads * batchesAhead) yield* await going.shift()!;
    }
    for (const hashed of going) {
      yield* await hashed;
      signal.throwIfAborted();
    }
  } finally {
    await threads.close();
  }
}

/** A large file is a job of its own: the rest of its batch is not kept waiting. */
async function hashBatch<F extends NamedFile>(threads: JobThreads, batch: F[]): Promise<HashedFile<F>[]> {
  const ask = (files: readonly F[], takesLarge: boolean) =>
    threads.run<Hashed[]>({ kind: 'hash', files: files.map(sent), takesLarge } satisfies HashJob);
  const answers = await ask(batch, false);
  return Promise.all(
    batch.map(async (file, at) => {
      const hashed = answers[at]!;
      return { file, hashed: hashed.kind === 'large' ? (await ask([file], true))[0]! : hashed };
    }),
  );
}

function sent({ directory, name, algorithm }: NamedFile): NamedFile {
  return { directory, name, ...(algorithm === undefined ? {} : { algorithm }) };
}

function* batchesOf<F>(files: Iterable<F>): Generator<F[]> {
  let batch: F[] = [];
  for (const file of files) {
    batch.push(file);
    if (batch.length < filesAtMost) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
