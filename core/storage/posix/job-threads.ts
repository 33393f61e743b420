import { type ResourceLimits, Worker } from 'node:worker_threads';

/** What a thread does lives outside of its heap, and new objects are garbage soon. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };
/** A thread has its next job when it is done with one. */
const inFlight = 2;

type Task = { readonly job: unknown; resolve(answer: unknown): void; reject(error: Error): void };
type Thread = { readonly worker: Worker; readonly tasks: Task[]; readonly exit: Promise<void> };
type Answer = { readonly answer: unknown } | { readonly error: string };

/**
 * Threads of one program that answer jobs, each in turn; the program must call `answerJobs`. All ends when `signal` says so.
 * A thread whose live objects would need more than `heapMb` breaks; left out: they may.
 */
export class JobThreads {
  readonly #threads: Thread[];
  readonly #limits: ResourceLimits;
  readonly #waiting: Task[] = [];
  #ended: Error | undefined;

  constructor(program: URL, workerData: unknown, count: number, signal: AbortSignal, heapMb?: number) {
    this.#limits =
      heapMb === undefined ? resourceLimits : { ...resourceLimits, maxOldGenerationSizeMb: heapMb };
    signal.addEventListener('abort', () => this.#giveUp(signal.reason), { once: true });
    this.#threads = Array.from({ length: count }, () => this.#start(program, workerData));
  }

  /** Answers come in any order. A thread that ends by itself rejects all that is asked. */
  run<A>(job: unknown): Promise<A> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve: resolve as Task['resolve'], reject });
      this.#deal();
    });
  }

  /** Ends the threads, also in the middle of a job: its answer is not wanted any more. */
  async close(): Promise<void> {
    const areDone = this.#ended === undefined && this.#threads.every(({ tasks }) => tasks.length === 0);
    this.#giveUp(new Error('the threads are closed'));
    for (const { worker } of this.#threads)
      if (areDone) worker.postMessage(undefined);
      else void worker.terminate();
    await Promise.all(this.#threads.map(({ exit }) => exit));
  }

  #start(program: URL, workerData: unknown): Thread {
    const worker = new Worker(program, { workerData, resourceLimits: this.#limits });
    const tasks: Task[] = [];
    worker.on('message', (answer: Answer) => {
      const task = tasks.shift();
      if ('error' in answer) task?.reject(new Error(answer.error));
      else task?.resolve(answer.answer);
      this.#deal();
    });
    worker.on('error', (error: Error) => this.#giveUp(error));
    const exit = new Promise<void>((resolve) => {
      worker.on('exit', () => {
        this.#giveUp(new Error('a thread has ended'));
        resolve();
      });
    });
    return { worker, tasks, exit };
  }

  #deal(): void {
    while (this.#waiting.length > 0) {
      const least = this.#threads.reduce((one, other) =>
        other.tasks.length < one.tasks.length ? other : one,
      );
      if (least.tasks.length >= inFlight) return;
      const task = this.#waiting.shift()!;
      least.tasks.push(task);
      least.worker.postMessage(task.job);
    }
  }

  #giveUp(error: Error): void {
    this.#ended ??= error;
    const tasks = [...this.#threads.flatMap(({ tasks: own }) => own.splice(0)), ...this.#waiting.splice(0)];
    for (const { reject } of tasks) reject(this.#ended);
  }
}

/** By which a thread is asked, and answers. */
export type JobPort = {
  on(type: 'message', listener: (job: unknown) => void): void;
  close(): void;
  postMessage(answer: Answer): void;
};

/** The body of a thread: answers each job in turn, and ends after `undefined`. */
export function answerJobs(port: JobPort, answer: (job: unknown) => unknown, end: () => void): void {
  port.on('message', (job) => {
    if (job === undefined) {
      end();
      return port.close();
    }
    try {
      port.postMessage({ answer: answer(job) });
    } catch (error) {
      port.postMessage({ error: (error as Error).stack ?? String(error) });
    }
  });
}
