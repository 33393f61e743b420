import type { Plan } from '../core/model/plan.ts';
import { beginningsOf } from '../core/model/plan.ts';
import { readHashed } from '../core/run/hashed-state.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import { isSuperseded } from '../core/run/journal-reader.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { TapeReader } from '../core/run/tape-reader.ts';
import { type HashedFile, type HashRequest, hashFiles } from '../core/storage/posix/hash-tree.ts';
import { close } from '../core/storage/posix/libc.ts';
import { shareLimits } from '../core/storage/posix/limits.ts';
import { putOnDisk } from '../core/storage/posix/open-tree.ts';
import { openPlannedDestination } from '../core/storage/posix/two-roots.ts';
import { DigestBook } from './digest-book.ts';
import { FilesToHash, type FileToHash } from './files-to-hash.ts';
import { openTrees } from './open-storage.ts';
import { pieceBytes } from './piece-size.ts';
import type { TaskOptions } from './task.ts';
import type { TaskContext } from './task-context.ts';
import { countThreads } from './thread-count.ts';

/**
 * Hashes the files of one shard that the run has brought to its destination, and leaves their digests in sorted files. A file
 * that is divided is hashed whole, by the task that has its beginning. What an earlier worker has recorded is not hashed again.
 */
export async function runHashTask(context: TaskContext, options: TaskOptions): Promise<JournalEnd['reason']> {
  const root = openTrees(() => openPlannedDestination(context.info.destination));
  const tape = new TapeReader(context.paths);
  const { paths, info, journal: name, job } = context;
  const journal = await JournalWriter.create(paths, info.id, name, job, 'hash', sinceOf(context));
  try {
    const reason = await new HashTask({ context, options, root, tape, journal }).run();
    await journal.end(reason);
    return reason;
  } finally {
    await journal.close();
    tape.close();
    close(root);
  }
}

/** The attempt that has begun the manifest. */
export function sinceOf({ attempt, journal }: TaskContext): number {
  return attempt.manifest?.since ?? journal.attempt;
}

type HashParts = {
  readonly context: TaskContext;
  readonly options: TaskOptions;
  readonly root: number;
  readonly tape: TapeReader;
  readonly journal: JournalWriter;
};

class HashTask {
  readonly #parts: HashParts;
  readonly #range: { from: number; to: number };
  readonly #book: DigestBook;

  constructor(parts: HashParts) {
    this.#parts = parts;
    const { paths, plan, journal: name, attempt } = parts.context;
    this.#range = beginningsOf(plan.shards[name.shard as number]!);
    const { algorithm } = attempt.manifest!;
    const checkpointMs = attempt.checkpointSeconds * 1000;
    this.#book = new DigestBook({ paths, name, algorithm, checkpointMs }, this.#range.from);
  }

  async run(): Promise<JournalEnd['reason']> {
    const { context, options, root, tape } = this.#parts;
    const { paths, plan, journal: name, attempt, info } = context;
    const { algorithm } = attempt.manifest!;
    const hashed = await readHashed(paths, plan, sinceOf(context), name.shard as number);
    const files = await FilesToHash.of(context, tape, hashed.shards[name.shard as number]!);
    const isFresh = info.purpose !== 'manifest';
    // Else the checkpoints of the copy have done it
    if (isFresh && attempt.sync === 'none') await putOnDisk(root);
    const request: HashRequest = {
      ...{ root, algorithm, algorithms: [algorithm], isFresh, followsSymlinks: false, passOver: [] },
      // It holds the algorithms, with which no other worker is to be burdened
      threadProgram: new URL('../cli/proof-thread.js', options.program),
      threads: threadsFor(context, plan),
      limits: shareLimits(attempt.limits ?? {}),
    };
    try {
      for await (const one of hashFiles(request, this.#readable(files), options.signal)) {
        this.#take(one, files);
        if (this.#book.isDue && (await this.#record())) return 'superseded';
      }
      this.#book.settle(this.#range.to);
    } catch (error) {
      if (!options.signal.aborted) throw error;
    }
    if (await this.#record()) return 'superseded';
    if (options.signal.aborted) return 'cut off';
    return this.#book.hasFailed ? 'failures' : 'complete';
  }

  /** Those that the scan could not read are told at once. */
  *#readable(files: FilesToHash): Generator<FileToHash> {
    for (const file of files.inRange(this.#range)) {
      if (file.errno === undefined) yield file;
      else this.#fail(file, file.errno, 'scan');
    }
  }

  #take({ file, hashed }: HashedFile<FileToHash>, files: FilesToHash): void {
    if (hashed.kind === 'digest') this.#book.hashed({ path: file.path, digest: hashed.digest }, hashed.bytes);
    else if (hashed.kind === 'unreadable') this.#fail(file, hashed.why, 'hash');
    else if (files.mustBeThere) this.#fail(file, hashed.kind === 'missing' ? 'ENOENT' : 'NO_FILE', 'hash');
    this.#book.settle(file.ordinal + 1);
  }

  #fail({ ordinal, path }: FileToHash, cause: string, action: string): void {
    this.#book.failed({ ordinal, path, cause, action });
    this.#parts.options.log.outcome({ ordinal, path, cause, action, bytes: 0, outcome: 'failed' });
  }

  /** True when a newer worker has this shard: then nothing is recorded any more. */
  async #record(): Promise<boolean> {
    const { context, journal } = this.#parts;
    if (await isSuperseded(context.paths, context.journal)) return true;
    await journal.append(this.#book.write());
    return false;
  }
}

function threadsFor({ attempt, journal, cpus, memoryMB }: TaskContext, plan: Plan): number {
  const { entries, bytes } = plan.shards[journal.shard as number]!;
  const pieces = Math.ceil(bytes / pieceBytes);
  return countThreads({ fixed: attempt.threads, cpus, memoryMB, entries, pieces }).most;
}
