import { setImmediate } from 'node:timers/promises';
import type { EntrySink } from './entry-sink.ts';
import { close } from './libc.ts';
import { markOf, numberOf, PendingDirectories } from './pending-directories.ts';
import { SlowWalk } from './slow-walk.ts';
import { type DirectoryRest, directoryOf, type Stretch, type StretchEnd } from './stretch.ts';
import { type SinkKind, StretchThread } from './stretch-thread.ts';
import { type StretchOptions, StretchWalk } from './stretch-walk.ts';

export type ParallelWalkOptions<S extends EntrySink> = StretchOptions & {
  /** A file that may be made while the walk has very many directories before it. */
  readonly spillFile: string;
  readonly sinks: SinkKind<S>;
  /** What a thread runs: it must call `answerStretches`. */
  readonly threadProgram: URL;
  /** So many threads help this one, as soon as it has gone through so many names, or for so long. */
  readonly threads: number;
  readonly aloneNames: number;
  readonly aloneMs: number;
};

/** Entries that follow the ones given before; `directory` is the path in force where they begin. */
export type WalkedChunk<S> = { readonly sink: S; readonly directory: string };

type Job<S> = {
  readonly number: number;
  readonly stretch: Stretch;
  state: 'waiting' | 'under way' | 'done';
  walked: { readonly sink: S; readonly end: StretchEnd } | undefined;
  /** The job for the rest of the directory in which this one ended: it comes next. */
  follower: number | undefined;
};

/** So many stretches for each thread are walked ahead of the one that is wanted next, which bounds the memory that they take. */
const jobsAheadPerThread = 6;
/** So many when calls are slow. They are short then: one block of names each. */
const slowJobsAtMost = 48;
/** A thread has the next stretch at hand when it has done one. */
const jobsPerThread = 2;
/** A stretch of small directories is to have so many names. */
const namesPerStretch = 2048;
const directoriesPerStretchAtMost = 128;
/** After so long, and then after twice as long each time, one stretch is tried without the pool: calls may be fast again. */
const firstTrialMs = 500;
/** So many names in a row tell that calls are fast. */
const namesPerTrial = 64;

/**
 * Walks a tree as TreeWalk does, with the same entries in the same order, several stretches at a time: this thread
 * and others where calls are fast, and many calls at once where each of them takes long. The entries that come first
 * are given first; what lies ahead is kept, within a fixed amount of memory.
 */
export class ParallelWalk<S extends EntrySink> {
  readonly #options: ParallelWalkOptions<S>;
  readonly #signal: AbortSignal;
  readonly #pending: PendingDirectories;
  readonly #here: StretchWalk;
  readonly #slow: SlowWalk;
  readonly #threads: StretchThread<S>[] = [];
  readonly #jobs = new Map<number, Job<S>>();
  /** Jobs that have not begun, and of which the walk knows that they come: each is the rest of a directory. */
  readonly #waiting = new Set<Job<S>>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #spareSinks: S[] = [];
  readonly #jobsAtMost: number;
  readonly #startedAt = performance.now();
  #lastNumber = 0;
  /** Jobs that have begun and whose entries were not given yet. */
  #ahead = 0;
  #names = 0;
  #directories = 1;
  #isSlow = false;
  #tryAt = 0;
  #trialMs = firstTrialMs;
  #failure: unknown;
  #wake: () => void = () => undefined;

  constructor(options: ParallelWalkOptions<S>, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#jobsAtMost = jobsAheadPerThread * (options.threads + 1);
    this.#pending = new PendingDirectories(options.spillFile);
    this.#here = new StretchWalk(options);
    this.#slow = new SlowWalk(options);
  }

  /** A chunk holds until the next is asked for. Ends with the path of the forbidden directory if that was met. */
  async *chunks(): AsyncGenerator<WalkedChunk<S>, string | undefined> {
    const wake = () => this.#wake();
    this.#signal.addEventListener('abort', wake);
    this.#pending.push('');
    try {
      for (let job = this.#pop(); job !== undefined; job = this.#pop()) {
        while (job.walked === undefined) await this.#advance(job);
        const { sink, end } = job.walked;
        yield { sink, directory: directoryOf(job.stretch) };
        if (end.forbidden !== undefined) return end.forbidden;
        this.#finish(job);
      }
      return undefined;
    } finally {
      this.#signal.removeEventListener('abort', wake);
      await this.#close();
    }
  }

  /** The job whose entries come next. */
  #pop(): Job<S> | undefined {
    const top = this.#pending.pop();
    if (top === undefined) return undefined;
    const number = numberOf(top);
    if (number !== undefined) return this.#jobs.get(number);
    this.#pending.push(top);
    const job = this.#takeOut(this.#isSlow ? 1 : this.#directoriesPerStretch())!;
    this.#pending.pop();
    return job;
  }

  /** A new job of the topmost directories that no job has. */
  #takeOut(atMost: number): Job<S> | undefined {
    const number = ++this.#lastNumber;
    const paths = this.#pending.takeOut(atMost, markOf(number));
    return paths.length === 0 ? undefined : this.#add(number, { kind: 'directories', paths });
  }

  #add(number: number, stretch: Stretch): Job<S> {
    const job: Job<S> = { number, stretch, state: 'waiting', walked: undefined, follower: undefined };
    this.#jobs.set(number, job);
    return job;
  }

  /** Does, or waits for, something that brings the walk on towards the entries of `job`. */
  async #advance(job: Job<S>): Promise<void> {
    this.#signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isSlow) return this.#advanceSlowly(job);
    this.#askThreads();
    const next = job.state === 'waiting' ? job : this.#next(this.#jobsAtMost, this.#directoriesPerStretch());
    if (next === undefined) return this.#untilWoken();
    this.#walkHere(next);
    // Answers of threads come in, and signals
    await setImmediate();
  }

  async #advanceSlowly(job: Job<S>): Promise<void> {
    if (performance.now() >= this.#tryAt) {
      const trial = job.state === 'waiting' ? job : this.#next(slowJobsAtMost, directoriesPerStretchAtMost);
      if (trial !== undefined) return this.#walkHere(trial);
    }
    if (job.state === 'waiting') this.#walkSlowly(job);
    for (;;) {
      const next = this.#next(slowJobsAtMost, 1);
      if (next === undefined) break;
      this.#walkSlowly(next);
    }
    return this.#untilWoken();
  }

  /** A job to be begun before its turn; undefined when there is none, or no room for what it gives. */
  #next(jobs: number, directories: number): Job<S> | undefined {
    if (this.#ahead >= jobs) return undefined;
    for (const job of this.#waiting) return job;
    return this.#takeOut(directories);
  }

  #directoriesPerStretch(): number {
    const names = Math.max(1, this.#names / this.#directories);
    return Math.min(directoriesPerStretchAtMost, Math.ceil(namesPerStretch / names));
  }

  #askThreads(): void {
    const { threads, threadProgram, sinks } = this.#options;
    if (this.#threads.length < threads && this.#isLarge()) {
      const { root, probe, keepsLinks, passOver, forbidden, namesAtMost, isSlow } = this.#options;
      const options = { root, probe, keepsLinks, passOver, forbidden, namesAtMost, isSlow } as StretchOptions;
      this.#threads.push(new StretchThread(threadProgram, options, sinks));
    }
    for (const thread of this.#threads) {
      while (thread.asked < jobsPerThread) {
        const job = this.#next(this.#jobsAtMost, this.#directoriesPerStretch());
        if (job === undefined) return;
        this.#begin(job);
        this.#follow(job, thread.walk(job.stretch, this.#sink()));
      }
    }
  }

  #isLarge(): boolean {
    const { aloneNames, aloneMs } = this.#options;
    return this.#names >= aloneNames || performance.now() - this.#startedAt >= aloneMs;
  }

  #walkHere(job: Job<S>): void {
    this.#begin(job);
    const sink = this.#sink();
    const end = this.#here.walk(job.stretch, sink);
    if (this.#isSlow && !end.isSlow) this.#endTrial(end);
    this.#take(job, { sink, end });
  }

  #endTrial({ names }: StretchEnd): void {
    if (names >= namesPerTrial) this.#isSlow = false;
    else this.#tryAt = performance.now() + this.#trialMs;
  }

  #walkSlowly(job: Job<S>): void {
    this.#begin(job);
    const sink = this.#sink();
    const walking = this.#slow.walk(job.stretch, sink, (rest) => {
      this.#addFollower(job, rest);
      this.#wake();
    });
    this.#follow(
      job,
      walking.then((end) => ({ end, sink })),
    );
  }

  #begin(job: Job<S>): void {
    job.state = 'under way';
    this.#waiting.delete(job);
    this.#ahead++;
  }

  #follow(job: Job<S>, walking: Promise<{ sink: S; end: StretchEnd }>): void {
    const done = walking
      .then(
        (walked) => this.#take(job, walked),
        (error: unknown) => {
          this.#failure ??= error;
        },
      )
      .finally(() => {
        this.#underWay.delete(done);
        this.#wake();
      });
    this.#underWay.add(done);
  }

  #take(job: Job<S>, walked: { readonly sink: S; readonly end: StretchEnd }): void {
    const { end } = walked;
    job.state = 'done';
    job.walked = walked;
    this.#names += end.names;
    if (end.names > 0) this.#directories += end.directories;
    if (end.rest !== undefined) this.#addFollower(job, end.rest);
    if (end.isSlow && end.names > 0) this.#slowDown();
  }

  #addFollower(job: Job<S>, rest: DirectoryRest): void {
    const follower = this.#add(++this.#lastNumber, { kind: 'rest', rest });
    job.follower = follower.number;
    this.#waiting.add(follower);
  }

  /** Calls were slow, or still are. */
  #slowDown(): void {
    const now = performance.now();
    if (!this.#isSlow) this.#trialMs = firstTrialMs;
    else if (now >= this.#tryAt) this.#trialMs *= 2;
    this.#isSlow = true;
    this.#tryAt = now + this.#trialMs;
  }

  /** The entries of a job were given: what it has found has its turn next. */
  #finish(job: Job<S>): void {
    const { sink, end } = job.walked!;
    for (const path of end.pending) this.#pending.push(path);
    if (job.follower !== undefined) this.#pending.push(markOf(job.follower));
    this.#jobs.delete(job.number);
    this.#ahead--;
    sink.clear();
    this.#spareSinks.push(sink);
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
    for (const { state, stretch } of this.#jobs.values()) {
      if (state === 'waiting' && stretch.kind === 'rest') close(stretch.rest.fd);
    }
    await this.#slow.close();
    this.#here.close();
    this.#pending.close();
  }
}
