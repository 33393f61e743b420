/** What a worker's threads have done since it began, taken at one moment. All but the moment only grows. */
export type ThreadSample = {
  readonly atMs: number;
  /** CPU time of all threads, with the time that they waited for a CPU: all but waiting for a file system. */
  readonly busyMs: number;
  /** Work done, in cost. */
  readonly done: number;
  /** Work waits for a thread: more of them would have something to do. */
  readonly hasMore: boolean;
};

export type ThreadBounds = { readonly first: number; readonly most: number };

type Phase = 'grow' | 'measure' | 'probe' | 'hold';

/** Threads that wait for more than this share of their time leave room for others. */
const waitingShare = 0.6;
/** Threads that do nearly nothing else leave room for more. */
const idleShare = 0.9;
/** Half the threads that do at least this much of the work are enough. */
const enough = 0.9;
const growMs = 120;
const measureMs = 4000;
const probeMs = 1500;
const longestHoldMs = 160_000;

/**
 * Decides how many threads a worker has. Threads that mostly wait, as on a network, are doubled or more at once, again
 * and again; later it is tried whether half of them do as much, as on one disk, and then they are fewer. What helped
 * nothing is tried again after a while, each time a longer one.
 */
export class ThreadController {
  readonly #bounds: ThreadBounds;
  #threads: number;
  #phase: Phase = 'grow';
  #since: ThreadSample | undefined;
  #rate = 0;
  #holdMs = 20_000;
  #hasHeld = false;

  constructor(bounds: ThreadBounds) {
    this.#bounds = bounds;
    this.#threads = Math.min(bounds.first, bounds.most);
  }

  get threads(): number {
    return this.#threads;
  }

  /** The number of threads from now on. */
  next(sample: ThreadSample): number {
    const since = this.#since;
    // Threads without work say nothing about threads
    if (since === undefined || !sample.hasMore) this.#since = sample;
    else if (sample.atMs - since.atMs >= this.#windowMs) this.#decide(since, sample);
    return this.#threads;
  }

  get #windowMs(): number {
    return { grow: growMs, measure: measureMs, probe: probeMs, hold: this.#holdMs }[this.#phase];
  }

  #decide(since: ThreadSample, sample: ThreadSample): void {
    this.#since = sample;
    if (this.#phase === 'grow') this.#grow(since, sample);
    else if (this.#phase === 'measure') this.#measure(rateOf(since, sample));
    else if (this.#phase === 'probe') this.#judge(rateOf(since, sample));
    else this.#phase = this.#threads < this.#bounds.most ? 'grow' : 'measure';
  }

  #grow(since: ThreadSample, sample: ThreadSample): void {
    const ms = sample.atMs - since.atMs;
    const waits = 1 - (sample.busyMs - since.busyMs) / (ms * this.#threads);
    if (waits > waitingShare && this.#threads < this.#bounds.most) {
      this.#threads = Math.min(
        this.#bounds.most,
        this.#threads * (waits > idleShare && !this.#hasHeld ? 4 : 2),
      );
      if (this.#hasHeld) this.#phase = 'measure';
    } else if (this.#threads > this.#bounds.first) this.#phase = 'measure';
  }

  #measure(rate: number): void {
    this.#rate = rate;
    this.#threads = Math.max(1, this.#threads >> 1);
    this.#phase = 'probe';
  }

  /** Half the threads have had their time. */
  #judge(rate: number): void {
    if (rate < this.#rate * enough) {
      this.#threads = Math.min(this.#bounds.most, this.#threads * 2);
      this.#hold();
    } else if (this.#threads > this.#bounds.first) this.#phase = 'measure';
    else this.#hold();
  }

  #hold(): void {
    if (this.#hasHeld) this.#holdMs = Math.min(longestHoldMs, this.#holdMs * 2);
    this.#hasHeld = true;
    this.#phase = 'hold';
  }
}

function rateOf(since: ThreadSample, sample: ThreadSample): number {
  return (sample.done - since.done) / (sample.atMs - since.atMs);
}
