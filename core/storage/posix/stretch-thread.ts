import { Worker } from 'node:worker_threads';
import type { EntrySink } from './entry-sink.ts';
import type { Stretch, StretchEnd } from './stretch.ts';
import { type StretchOptions, StretchWalk } from './stretch-walk.ts';

/** Makes sinks, and takes them from thread to thread. */
export type SinkKind<S extends EntrySink, P extends PackedSink = PackedSink> = {
  /** With what was packed, or an empty one. */
  make(packed?: P): S;
  /** What was packed is of no use here any more once its buffers have been transferred. */
  pack(sink: S): P;
};
export type PackedSink = { readonly buffers: readonly ArrayBuffer[] };

/** What a thread makes of a stretch lives outside of its heap, and new objects are garbage soon. */
const resourceLimits = { maxYoungGenerationSizeMb: 1 };

type Request = { readonly stretch: Stretch; readonly sink: PackedSink };
type Answer = { readonly end: StretchEnd; readonly sink: PackedSink } | { readonly error: string };
type Waiting<S> = { resolve(walked: Walked<S>): void; reject(error: Error): void };

export type Walked<S> = { readonly end: StretchEnd; readonly sink: S };

/** A thread that walks stretches, in the order in which it is asked. Its program must call `answerStretches`. */
export class StretchThread<S extends EntrySink> {
  readonly #worker: Worker;
  readonly #sinks: SinkKind<S>;
  readonly #waiting: Waiting<S>[] = [];
  readonly #exit: Promise<void>;
  #ended: Error | undefined;

  constructor(program: URL, options: StretchOptions, sinks: SinkKind<S>) {
    this.#sinks = sinks;
    this.#worker = new Worker(program, { workerData: whatCanBeSent(options), resourceLimits });
    this.#worker.on('message', (answer: Answer) => this.#take(answer));
    this.#worker.on('error', (error: Error) => this.#giveUp(error));
    this.#exit = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#giveUp(new Error('a thread of the scan has ended'));
        resolve();
      });
    });
  }

  /** How many stretches it has not answered. */
  get asked(): number {
    return this.#waiting.length;
  }

  /** The sink given is used up; the one that comes back holds the entries. */
  walk(stretch: Stretch, sink: S): Promise<Walked<S>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      const packed = this.#sinks.pack(sink);
      const request: Request = { stretch, sink: packed };
      this.#worker.postMessage(request, [...packed.buffers]);
    });
  }

  /** Ends the thread when it has done what it was asked for, which is soon; no descriptor stays open. */
  close(): Promise<void> {
    this.#worker.postMessage(undefined);
    return this.#exit;
  }

  #take(answer: Answer): void {
    const { resolve, reject } = this.#waiting.shift()!;
    if ('error' in answer) reject(new Error(answer.error));
    else resolve({ end: answer.end, sink: this.#sinks.make(answer.sink) });
  }

  #giveUp(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}

/** The body of a thread: answers each request in turn. */
export function answerStretches<S extends EntrySink>(
  port: {
    on(type: 'message', listener: (request: Request | undefined) => void): void;
    close(): void;
    postMessage(answer: Answer, transfer?: ArrayBuffer[]): void;
  },
  options: StretchOptions,
  sinks: SinkKind<S>,
): void {
  const walk = new StretchWalk(options);
  port.on('message', (request) => {
    if (request === undefined) {
      walk.close();
      return port.close();
    }
    try {
      const sink = sinks.make(request.sink);
      const end = walk.walk(request.stretch, sink);
      const packed = sinks.pack(sink);
      port.postMessage({ end, sink: packed }, [...packed.buffers]);
    } catch (error) {
      port.postMessage({ error: (error as Error).stack ?? String(error) });
    }
  });
}

/** Only what a thread has to know: the caller's options may have more. */
function whatCanBeSent(options: StretchOptions): StretchOptions {
  const { root, probe, keepsLinks, followsSymlinks, passOver, forbidden, namesAtMost, isSlow } = options;
  const { filters, listed, roots, takesStamps, copies } = options;
  return {
    ...{ root, probe, passOver, forbidden },
    ...(keepsLinks === undefined ? {} : { keepsLinks }),
    ...(followsSymlinks === undefined ? {} : { followsSymlinks }),
    ...(namesAtMost === undefined ? {} : { namesAtMost }),
    ...(roots === undefined ? {} : { roots }),
    ...(filters === undefined ? {} : { filters }),
    ...(listed === undefined ? {} : { listed }),
    ...(takesStamps === undefined ? {} : { takesStamps }),
    ...(copies === undefined ? {} : { copies }),
    ...(isSlow === undefined ? {} : { isSlow }),
  };
}
