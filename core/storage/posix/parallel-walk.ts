import { setImmediate } from 'node:timers/promises';
import type { EntrySink } from './entry-sink.ts';
import { type Job, JobStack } from './job-stack.ts';
import { SlowWalk } from './slow-walk.ts';
import { directoryOf } from './stretch.ts';
import { type SinkKind, StretchThread, type Walked } from './stretch-thread.ts';
import { type StretchOptions, StretchWalk } from './stretch-walk.ts';
import { WalkPace } from './walk-pace.ts';

export type ParallelWalkOptions<S extends EntrySink> = StretchOptions & {
  /** A file that may be made while the walk has very many directories before it. */
  readonly spillFile: string;
  /** The directories that it begins with, of which the last comes first. Left out: the root. */
  readonly first?: readonly string[];
  readonly sinks: SinkKind<S>;
  /** What a thread runs: it must call `answerStretches`. */
  readonly threadProgram: URL;
  /** So many threads help this one, as soon as it has gone through so many names, or for so long. */
  readonly threads: number;
  readonly aloneNames: number;
  readonly aloneMs: number;
};

/** Entries that follow the ones given before; `directory` is the path in force where they begin. */
export type WalkedChunk<S> = {
  readonly sink: S;
  readonly directory: string;
  /** How many entries were left out by filters. */
  readonly excluded: number;
  /** Digests of groups of files without attributes (see CopyLook). */
  readonly plain?: Uint8Array | undefined;
};

/** So many stretches for each thread are walked ahead of the one that is wanted next, which bounds the memory that they take. */
const jobsAheadPerThread = 12;
/** So many when calls are slow. They are short then: one block of names each. */
const slowJobsAtMost = 48;
/** A thread has the next stretch at hand when it has done one. */
const jobsPerThread = 4;

/**
 * Walks a tree as TreeWalk does, with the same entries in the same order, several stretches at a time: this thread
 * and others where calls are fast, and many calls at once where each of them takes long. The entries that come first
 * are given first; what lies ahead is kept, within a fixed amount of memory.
 */
export class ParallelWalk<S extends EntrySink> {
  readonly #options: ParallelWalkOptions<S>;
  readonly #signal: AbortSignal;
  readonly #jobs: JobStack<S>;
  readonly #jobsAtMost: number;
  readonly #pace = new WalkPace();
  readonly #here: StretchWalk;
  readonly #slow: SlowWalk;
  readonly #threads: StretchThread<S>[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #spareSinks: S[] = [];
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(options: ParallelWalkOptions<S>, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#jobs = new JobStack(options.spillFile, options.first ?? ['']);
    this.#jobsAtMost = jobsAheadPerThread * (options.threads + 1);
    this.#here = new StretchWalk(options);
    this.#slow = new SlowWalk(options);
  }

  /** A chunk holds until the next is asked for. Ends with the path of the forbidden directory if that was met. */
  async *chunks(): AsyncGenerator<WalkedChunk<S>, string | undefined> {
    const wake = () => this.#wake();
    this.#signal.addEventListener('abort', wake);
    try {
      for (let job = this.#pop(); job !== undefined; job = this.#pop()) {
        while (job.walked === undefined) await this.#advance(job);
        const { sink, end } = job.walked;
        const { excluded, plain } = end;
        yield { sink, directory: directoryOf(job.stretch), excluded, plain };
        this.#jobs.finish(job, end.pending);
        if (end.forbidden !== undefined) return end.forbidden;
        sink.clear();
        this.#spareSinks.push(sink);
      }
      return undefined;
    } finally {
      this.#signal.removeEventListener('abort', wake);
      await this.#close();
    }
  }

  #pop(): Job<S> | undefined {
    return this.#jobs.pop(this.#pace.directoriesPerStretch(this.#jobs.known));
  }

  /** A job to be begun before its turn; undefined when there is none, or no room for what it gives. */
  #next(jobsAtMost: number): Job<S> | undefined {
    if (this.#jobs.begun >= jobsAtMost) return undefined;
    return this.#jobs.next(this.#pace.directoriesPerStretch(this.#jobs.known));
  }

  /** Does, or waits for, something that brings the walk on towards the entries of `job`. */
  async #advance(job: Job<S>): Promise<void> {
    this.#signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#pace.isSlow) await this.#advanceSlowly(job);
    else await this.#advanceFast(job);
  }

  async #advanceFast(job: Job<S>): Promise<void> {
    this.#askThreads();
    const next = job.hasBegun ? this.#next(this.#jobsAtMost) : job;
    if (next === undefined) return this.#untilWoken();
    this.#walkHere(next);
    // Answers of threads come in, and signals
    await setImmediate();
  }

  async #advanceSlowly(job: Job<S>): Promise<void> {
    if (this.#pace.isTrialDue) {
      const trial = job.hasBegun ? this.#next(slowJobsAtMost) : job;
      if (trial !== undefined) return this.#walkHere(trial);
    }
    if (!job.hasBegun) this.#walkSlowly(job);
    for (;;) {
      const next = this.#next(slowJobsAtMost);
      if (next === undefined) return this.#untilWoken();
      this.#walkSlowly(next);
    }
  }

  #askThreads(): void {
    const { threads, aloneNames, aloneMs } = this.#options;
    if (this.#threads.length < threads && this.#pace.isBeyond(aloneNames, aloneMs)) this.#startThread();
    for (const thread of this.#threads) {
      while (thread.asked < jobsPerThread) {
        const job = this.#next(this.#jobsAtMost);
        if (job === undefined) return;
        this.#jobs.begin(job);
        this.#await(job, thread.walk(job.stretch, this.#sink()));
      }
    }
  }

  #startThread(): void {
    const { threadProgram, sinks } = this.#options;
    this.#threads.push(new StretchThread(threadProgram, this.#options, sinks));
  }

  #walkHere(job: Job<S>): void {
    this.#jobs.begin(job);
    const sink = this.#sink();
    this.#take(job, { sink, end: this.#here.walk(job.stretch, sink) });
  }

  #walkSlowly(job: Job<S>): void {
    this.#jobs.begin(job);
    const sink = this.#sink();
    const walking = this.#slow.walk(job.stretch, sink, (rest) => {
      this.#jobs.follow(job, rest);
      this.#wake();
    });
    this.#await(
      job,
      walking.then((end) => ({ end, sink })),
    );
  }

  #await(job: Job<S>, walking: Promise<Walked<S>>): void {
    const done = walking
      .then(
        (walked) => this.#take(job, walked),
        (error: Error) => {
          this.#failure ??= error;
        },
      )
      .finally(() => {
        this.#underWay.delete(done);
        this.#wake();
      });
    this.#underWay.add(done);
  }

  #take(job: Job<S>, walked: Walked<S>): void {
    const { end } = walked;
    job.walked = walked;
    if (end.rest !== undefined) this.#jobs.follow(job, end.rest);
    this.#pace.note(end);
  }

  #sink(): S {
    return this.#spareSinks.pop() ?? this.#options.sinks.make();
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async #close(): Promise<void> {
    this.#slow.stop(new Error('the walk has ended'));
    await Promise.all(this.#threads.map((thread) => thread.close()));
    await Promise.all(this.#underWay);
    this.#jobs.close();
    await this.#slow.close();
    this.#here.close();
  }
}
