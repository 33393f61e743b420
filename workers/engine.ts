import { Worker } from 'node:worker_threads';
import type { PosixStorageRequest } from '../core/storage/posix/posix-storage.ts';
import type { EntryGroup, GroupOutcome, PartRequest, PartResult, Storage } from '../core/storage/storage.ts';
import { openStorage } from './task-context.ts';

/** What one thread is asked for; `id` comes back with the answer. */
export type EngineRequest = { readonly id: number } & (
  | { readonly group: EntryGroup }
  | { readonly part: PartRequest }
);
export type EngineAnswer = { readonly id: number } & (
  | { readonly group: GroupOutcome }
  | { readonly part: PartResult }
  | { readonly error: string }
);

/** Copies groups and parts, as many at once as it has threads. */
export interface Engine {
  copyGroup(group: EntryGroup): Promise<GroupOutcome>;
  copyPart(part: PartRequest): Promise<PartResult>;
  /** Ends the threads; what is under way is given up. */
  close(): Promise<void>;
}

/** The program that a thread runs: it must call answerRequests. */
export type ThreadProgram = URL;

/** With one thread the work is done here, which saves starting another. */
export function startEngine(
  threads: number,
  storage: Storage,
  request: PosixStorageRequest,
  program: ThreadProgram,
): Engine {
  return threads === 1 ? new InlineEngine(storage) : new ThreadEngine(threads, request, program);
}

class InlineEngine implements Engine {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async copyGroup(group: EntryGroup): Promise<GroupOutcome> {
    await new Promise(setImmediate);
    return this.#storage.copyGroup(group);
  }

  async copyPart(part: PartRequest): Promise<PartResult> {
    await new Promise(setImmediate);
    return this.#storage.copyPart(part);
  }

  async close(): Promise<void> {}
}

type Thread = {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  /** Why it answers no more; such a thread must not be asked. */
  ended: Error | undefined;
};
type Waiting = { readonly resolve: (answer: EngineAnswer) => void; readonly reject: (error: Error) => void };

class ThreadEngine implements Engine {
  readonly #threads: Thread[] = [];
  #nextId = 0;

  constructor(threads: number, request: PosixStorageRequest, program: ThreadProgram) {
    for (let i = 0; i < threads; i++) this.#start(request, program);
  }

  async copyGroup(group: EntryGroup): Promise<GroupOutcome> {
    return ((await this.#ask({ id: this.#nextId++, group })) as { group: GroupOutcome }).group;
  }

  async copyPart(part: PartRequest): Promise<PartResult> {
    return ((await this.#ask({ id: this.#nextId++, part })) as { part: PartResult }).part;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #start(request: PosixStorageRequest, program: ThreadProgram): void {
    const waiting = new Map<number, Waiting>();
    const worker = new Worker(program, { workerData: request });
    const thread: Thread = { worker, waiting, ended: undefined };
    const giveUp = (error: Error) => {
      thread.ended ??= error;
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    worker.on('message', (answer: EngineAnswer) => {
      const { resolve, reject } = waiting.get(answer.id)!;
      waiting.delete(answer.id);
      if ('error' in answer) reject(new Error(answer.error));
      else resolve(answer);
    });
    worker.on('error', giveUp);
    worker.on('exit', () => giveUp(new Error('a thread of the worker has ended')));
    this.#threads.push(thread);
  }

  /** The thread with the least to do gets it. */
  #ask(request: EngineRequest): Promise<EngineAnswer> {
    const thread = this.#threads.reduce((least, next) =>
      next.waiting.size < least.waiting.size ? next : least,
    );
    if (thread.ended !== undefined) return Promise.reject(thread.ended);
    return new Promise((resolve, reject) => {
      thread.waiting.set(request.id, { resolve, reject });
      thread.worker.postMessage(request);
    });
  }
}

/** The body of a thread: answers each request in turn. */
export function answerRequests(
  port: {
    on(type: 'message', listener: (request: EngineRequest) => void): void;
    postMessage(answer: EngineAnswer): void;
  },
  request: PosixStorageRequest,
): void {
  const storage = openStorage(request);
  port.on('message', (asked) => {
    try {
      if ('group' in asked) port.postMessage({ id: asked.id, group: storage.copyGroup(asked.group) });
      else port.postMessage({ id: asked.id, part: storage.copyPart(asked.part) });
    } catch (error) {
      port.postMessage({ id: asked.id, error: (error as Error).stack ?? String(error) });
    }
  });
}
