import type { SeenRequest } from '../core/run/seen-reader.ts';
import { takeOwnDirectory } from '../core/storage/posix/own-directory.ts';
import type { PosixStorageRequest } from '../core/storage/posix/posix-storage.ts';
import type {
  EntryGroup,
  FileRequest,
  FinishedEntry,
  GroupOutcome,
  LinkRequest,
  LookOutcome,
  PartRequest,
  PartResult,
  Storage,
} from '../core/storage/storage.ts';
import { look } from './look.ts';
import { openStorage } from './open-storage.ts';
import { type ThreadCount, ThreadPool } from './thread-pool.ts';

/** Directories and files to be completed and further names to be made, none of which has to wait for another. */
export type FinishBatch = readonly (LinkRequest | FileRequest | Omit<LinkRequest, 'firstPath'>)[];
/** What became of each, in order, and the notes. */
export type FinishedBatch = {
  readonly finished: readonly FinishedEntry[];
  readonly notes: ReadonlyMap<string, number>;
};

/** What one thread is asked for; `id` comes back with the answer. */
export type EngineRequest = { readonly id: number } & (
  | { readonly group: EntryGroup }
  | { readonly part: PartRequest }
  | { readonly finish: FinishBatch }
  | { readonly look: SeenRequest }
);
export type EngineAnswer = { readonly id: number } & (
  | { readonly group: GroupOutcome }
  | { readonly part: PartResult }
  | { readonly finish: FinishedBatch }
  | { readonly look: LookOutcome }
  | { readonly error: string }
);

/** Copies groups and parts, and completes what finish has to, as many at once as it has threads. */
export interface Engine {
  copyGroup(group: EntryGroup): Promise<GroupOutcome>;
  copyPart(part: PartRequest): Promise<PartResult>;
  finish(batch: FinishBatch): Promise<FinishedBatch>;
  /** Left out where nothing can be found the same in this way. The tape stays open until the answer. */
  readonly look?: (request: SeenRequest) => Promise<LookOutcome>;
  /** How many threads it has, or will have as soon as it is asked for more. */
  readonly threads: number;
  /** So many requests should be under way: with more, later ones are only decided upon too early. */
  readonly appetite: number;
  /** How long an entry takes a thread; undefined while nothing is known. */
  readonly msPerEntry: number | undefined;
  /** Asks the threads to end what they do soon: a group after its entry, a long copy after its step. */
  stop(): void;
  /** Ends the threads; what is under way is given up. */
  close(): Promise<void>;
}

/** The program that a thread runs: it must call answerRequests. */
export type ThreadProgram = URL;

/**
 * With one thread and no other to come the work is done here, which saves starting another, unless there is a limit to
 * wait for, or it may have to be stopped: nobody can ask this thread while it copies.
 */
export function startEngine(
  count: ThreadCount,
  storage: Storage,
  request: PosixStorageRequest,
  program: ThreadProgram,
): Engine {
  const isInline = count.most === 1 && request.limits === undefined && request.stop === undefined;
  return isInline ? new InlineEngine(storage) : new ThreadPool(count, request, program);
}

class InlineEngine implements Engine {
  readonly threads = 1;
  readonly appetite = 1;
  readonly #storage: Storage;
  #ms = 0;
  #entries = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  get msPerEntry(): number | undefined {
    return this.#entries === 0 ? undefined : this.#ms / this.#entries;
  }

  async copyGroup(group: EntryGroup): Promise<GroupOutcome> {
    await new Promise(setImmediate);
    const start = performance.now();
    const outcome = this.#storage.copyGroup(group);
    this.#ms += performance.now() - start;
    this.#entries += group.to - group.from;
    return outcome;
  }

  async copyPart(part: PartRequest): Promise<PartResult> {
    await new Promise(setImmediate);
    return this.#storage.copyPart(part);
  }

  async finish(batch: FinishBatch): Promise<FinishedBatch> {
    return finishBatch(this.#storage, batch);
  }

  stop(): void {}

  async close(): Promise<void> {}
}

/** Does in this thread what is asked for, one after another. */
export function finishBatch(storage: Storage, batch: FinishBatch): FinishedBatch {
  return { finished: batch.map((one) => finishOne(storage, one)), notes: storage.takeNotes() };
}

function finishOne(storage: Storage, one: FinishBatch[number]): FinishedEntry {
  if ('firstPath' in one) return storage.linkEntry(one);
  if ('version' in one) return storage.completeFile(one);
  return storage.completeDirectory(one.ordinal, one.path);
}

/** The body of a thread: answers each request in turn. */
export function answerRequests(
  port: {
    on(type: 'message', listener: (request: EngineRequest) => void): void;
    postMessage(answer: EngineAnswer): void;
  },
  request: PosixStorageRequest,
): void {
  takeOwnDirectory();
  const storage = openStorage(request);
  port.on('message', (asked) => {
    try {
      port.postMessage({ id: asked.id, ...answer(storage, asked) });
    } catch (error) {
      port.postMessage({ id: asked.id, error: (error as Error).stack ?? String(error) });
    }
  });
}

type Answered =
  | { group: GroupOutcome }
  | { part: PartResult }
  | { finish: FinishedBatch }
  | { look: LookOutcome };

function answer(storage: Storage, asked: EngineRequest): Answered {
  if ('group' in asked) return { group: storage.copyGroup(asked.group) };
  if ('look' in asked) return { look: look(storage, asked.look) };
  if ('part' in asked) return { part: storage.copyPart(asked.part) };
  return { finish: finishBatch(storage, asked.finish) };
}
