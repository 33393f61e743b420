import { Worker } from 'node:worker_threads';
import type { SeenRequest } from '../core/run/seen-reader.ts';
import { waitedMs } from '../core/storage/posix/limits.ts';
import type { PosixStorageRequest } from '../core/storage/posix/posix-storage.ts';
import { raiseStop } from '../core/storage/posix/stop-flag.ts';
import type {
  EntryGroup,
  GroupOutcome,
  LookOutcome,
  PartRequest,
  PartResult,
} from '../core/storage/storage.ts';
import type {
  Engine,
  EngineAnswer,
  EngineRequest,
  FinishBatch,
  FinishedBatch,
  ThreadProgram,
} from './engine.ts';
import { threadsInMemory } from './memory-room.ts';
import { ThreadController } from './thread-controller.ts';
import {
  type Asked,
  chooseNext,
  costOfRequest,
  entriesOfRequest,
  placeOf,
  placesOf,
} from './thread-queue.ts';
import { busyMs } from './thread-time.ts';

export type ThreadCount = {
  readonly first: number;
  /** Up to so many when they mostly wait; the same as `first`: neither more nor fewer. */
  readonly most: number;
};

type Thread = {
  readonly worker: Worker;
  /** What it has been given, the oldest first. */
  readonly given: Asked[];
  /** The directory that it has open. */
  place: string | undefined;
  /** When it began what it works on. */
  beganAt: number;
  lastMs: number;
  /** It has answered nothing yet. */
  isYoung: boolean;
};

/** What a thread makes is garbage as soon as it has answered. */
const resourceLimits = { maxYoungGenerationSizeMb: 2 };
const tickMs = 60;
/** What a thread had is given back so late. */
const memoryMs = 1000;
/** Two that a thread has when it is quick, and one to choose from. */
const requestsPerThread = 3;
/** A thread that answers sooner has its next request before it asks. */
const soonMs = 20;
/** What came before counts for so much less with every answer. */
const forget = 0.8;

/** Threads that answer requests, fewer or more of them as it pays. One that ends unasked ends them all. */
export class ThreadPool implements Engine {
  readonly #program: ThreadProgram;
  readonly #request: PosixStorageRequest;
  readonly #threads: Thread[] = [];
  readonly #queue: Asked[] = [];
  readonly #controller: ThreadController | undefined;
  readonly #clock: NodeJS.Timeout | undefined;
  #wanted: number;
  #fewerAt = 0;
  #broken: Error | undefined;
  #nextId = 0;
  #done = 0;
  #paceMs = 0;
  #paceEntries = 0;

  constructor(count: ThreadCount, request: PosixStorageRequest, program: ThreadProgram) {
    [this.#program, this.#request, this.#wanted] = [program, request, count.first];
    if (count.first === count.most) return;
    this.#controller = new ThreadController(count);
    this.#clock = setInterval(() => this.#tick(this.#controller!), tickMs).unref();
  }

  get threads(): number {
    return this.#wanted;
  }

  get appetite(): number {
    return this.#wanted * requestsPerThread;
  }

  get msPerEntry(): number | undefined {
    return this.#paceEntries === 0 ? undefined : this.#paceMs / this.#paceEntries;
  }

  async copyGroup(group: EntryGroup): Promise<GroupOutcome> {
    return ((await this.#ask({ id: this.#nextId++, group })) as { group: GroupOutcome }).group;
  }

  async copyPart(part: PartRequest): Promise<PartResult> {
    return ((await this.#ask({ id: this.#nextId++, part })) as { part: PartResult }).part;
  }

  async finish(finish: FinishBatch): Promise<FinishedBatch> {
    return ((await this.#ask({ id: this.#nextId++, finish })) as { finish: FinishedBatch }).finish;
  }

  async look(look: SeenRequest): Promise<LookOutcome> {
    return ((await this.#ask({ id: this.#nextId++, look })) as { look: LookOutcome }).look;
  }

  stop(): void {
    if (this.#request.stop !== undefined) raiseStop(this.#request.stop);
  }

  async close(): Promise<void> {
    clearInterval(this.#clock);
    this.#wanted = 0;
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()));
  }

  #ask(request: EngineRequest): Promise<EngineAnswer> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject });
      // A thread for what nobody is free for
      const isShort = this.#threads.every(({ given }) => given.length > 0);
      if (isShort && this.#threads.length < this.#wanted && this.#hasRoom) this.#start();
      this.#handOut();
    });
  }

  #handOut(): void {
    for (const thread of this.#threads) {
      const atOnce = thread.lastMs < soonMs ? 2 : 1;
      while (this.#queue.length > 0 && thread.given.length < atOnce) this.#give(thread);
    }
  }

  #give(thread: Thread): void {
    const busy = new Set(this.#threads.flatMap(({ given }) => given.flatMap(placesOf)));
    const asked = this.#queue.splice(chooseNext(this.#queue, thread.place, busy), 1)[0]!;
    if (thread.given.length === 0) thread.beganAt = performance.now();
    thread.given.push(asked);
    thread.place = placeOf(asked);
    thread.worker.postMessage(asked.request);
  }

  #start(): void {
    const worker = new Worker(this.#program, { workerData: this.#request, resourceLimits });
    const thread: Thread = { worker, given: [], place: undefined, beganAt: 0, lastMs: soonMs, isYoung: true };
    worker.on('message', (answer: EngineAnswer) => this.#take(thread, answer));
    worker.on('error', (error: Error) => this.#break(error));
    worker.on('exit', () => {
      if (this.#threads.includes(thread)) this.#break(new Error('a thread of the worker has ended'));
    });
    this.#threads.push(thread);
  }

  #take(thread: Thread, answer: EngineAnswer): void {
    const asked = thread.given.shift()!;
    thread.isYoung = false;
    this.#measure(thread, asked);
    if ('error' in answer) asked.reject(new Error(answer.error));
    else asked.resolve(answer);
    if (this.#threads.length > this.#wanted && thread.given.length === 0) this.#retire(thread);
    else this.#handOut();
  }

  #measure(thread: Thread, { request }: Asked): void {
    const now = performance.now();
    thread.lastMs = now - thread.beganAt;
    thread.beganAt = now;
    this.#done += costOfRequest(request);
    const entries = entriesOfRequest(request);
    if (entries === 0) return;
    this.#paceMs = this.#paceMs * forget + thread.lastMs;
    this.#paceEntries = this.#paceEntries * forget + entries;
  }

  #retire(thread: Thread): void {
    this.#threads.splice(this.#threads.indexOf(thread), 1);
    void thread.worker.terminate();
    this.#handOut();
  }

  #tick(controller: ThreadController): void {
    const hasMore = this.#queue.length > 0;
    const sample = {
      atMs: performance.now(),
      busyMs: busyMs() + waitedMs(this.#request.limits),
      done: this.#done,
      hasMore,
    };
    this.#wanted = Math.min(controller.next(sample), this.#inMemory(sample.atMs));
    const more = Math.min(this.#wanted - this.#threads.length, this.#queue.length);
    for (let i = 0; i < more; i++) this.#start();
    if (more > 0) this.#handOut();
  }

  /** The first thread is always started, and as many as the user wants. */
  get #hasRoom(): boolean {
    const threads = this.#threads.length;
    return this.#controller === undefined || threads === 0 || this.#inMemory(performance.now()) > threads;
  }

  #inMemory(now: number): number {
    const threads = this.#threads.length;
    const young = this.#threads.filter(({ isYoung }) => isYoung).length;
    const fit = threadsInMemory(process.memoryUsage.rss(), threads, young);
    if (fit >= threads) return fit;
    if (now - this.#fewerAt < memoryMs) return threads;
    this.#fewerAt = now;
    return fit;
  }

  #break(error: Error): void {
    this.#broken ??= error;
    for (const { reject } of this.#queue.splice(0)) reject(error);
    for (const { given } of this.#threads) for (const { reject } of given.splice(0)) reject(error);
  }
}
