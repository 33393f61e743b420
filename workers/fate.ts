import { setMaxListeners } from 'node:events';
import { classOf } from '../core/model/errno.ts';
import type { EntryOutcome } from '../core/model/outcome.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import type { Engine } from './engine.ts';
import type { Recorder } from './recorder.ts';
import { hasty, type Patience, patienceFor, tryAgain } from './retry.ts';
import type { TaskOptions } from './task.ts';
import type { TaskContext } from './task-context.ts';

export type FateParts = {
  readonly context: TaskContext;
  readonly engine: Engine;
  readonly recorder: Recorder;
  readonly options: TaskOptions;
};

/** So many entries in a row whose every try was in vain are a storm: while it lasts, there is one wait for a whole group. */
const storm = 20;
/** So many groups and pieces wait for another try at once; they are what a storm keeps in memory. */
const waitingAtMost = 64;

/** Whether a worker goes on, and why it ends: by what became of entries, and what it was told. */
export class Fate {
  readonly #engine: Engine;
  readonly #recorder: Recorder;
  readonly #options: TaskOptions;
  readonly #patience: Patience;
  readonly #halt = new AbortController();
  readonly #waiting = new Set<Promise<void>>();
  readonly #hopeless = new Set<string>();
  #failures = 0;
  #inVain = 0;
  #broken: Error | undefined;

  constructor({ context, engine, recorder, options }: FateParts) {
    [this.#engine, this.#recorder, this.#options] = [engine, recorder, options];
    // One for each that waits
    setMaxListeners(0, this.#halt.signal);
    this.#patience = { ...patienceFor(context.attempt.tries), signal: this.#halt.signal };
    if (options.signal.aborted) this.halt();
    else options.signal.addEventListener('abort', () => this.halt(), { once: true });
  }

  get mustStop(): boolean {
    return (
      this.#halt.signal.aborted ||
      this.#broken !== undefined ||
      this.#recorder.hasFailed ||
      this.#recorder.isSuperseded
    );
  }

  get reason(): JournalEnd['reason'] {
    if (this.#recorder.isSuperseded) return 'superseded';
    if (this.#hopeless.size > 0) return 'hopeless';
    if (this.#options.signal.aborted) return 'cut off';
    return this.#failures > 0 ? 'failures' : 'complete';
  }

  /** What is under way comes to its end soon, and nobody waits for another try. */
  halt(): void {
    this.#halt.abort();
    this.#engine.stop();
  }

  broken(error: Error): void {
    this.#broken ??= error;
  }

  throwBroken(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  /** Takes in what became of an entry that failed or vanished. */
  tell(outcome: EntryOutcome): void {
    if (classOf(outcome.cause) === 'hopeless') {
      this.#tellHopeless(outcome);
      return;
    }
    if (outcome.outcome === 'failed') this.#failures++;
    this.#recorder.takeOutcome(outcome);
    this.#options.log.outcome(outcome);
  }

  /**
   * Nothing can be written any more: one entry is recorded for each cause, so that it is known. The others that met it
   * are left to the next worker, like all that were not tried.
   */
  #tellHopeless(outcome: EntryOutcome): void {
    if (this.#hopeless.has(outcome.cause)) return;
    this.#hopeless.add(outcome.cause);
    this.#recorder.takeOutcome(outcome);
    this.#options.log.hopeless(outcome.cause);
    this.halt();
  }

  /** What has waited, or is to wait, for another try: meanwhile other work goes on. */
  get waiting(): ReadonlySet<Promise<void>> {
    return this.#waiting;
  }

  /** True while so much waits that there should be no other work. */
  get hasManyWaiting(): boolean {
    return this.#waiting.size >= waitingAtMost;
  }

  later(work: () => Promise<void>): void {
    const promise = work().catch((error: Error) => this.broken(error));
    this.#waiting.add(promise);
    void promise.then(() => this.#waiting.delete(promise));
  }

  /**
   * Does work again that has met a passing fault, as long as there is patience; undefined when all is to stop first:
   * then it is left to the next worker.
   */
  async tryAgain<T>(
    first: T,
    work: () => Promise<T>,
    hasPassed: (result: T) => boolean,
  ): Promise<T | undefined> {
    const patience = this.#inVain >= storm ? hasty(this.#patience) : this.#patience;
    const result = await tryAgain(first, work, hasPassed, patience);
    return this.#halt.signal.aborted && !hasPassed(result) ? undefined : result;
  }

  /** So many entries were tried in vain to the last. */
  wasInVain(entries: number): void {
    this.#inVain += entries;
  }

  /** Something was copied: there is no storm. */
  gotThrough(): void {
    this.#inVain = 0;
  }
}

/** True when another try may end better. */
export function isPassing({ cause, action }: EntryOutcome): boolean {
  return classOf(cause) === 'transient' && action !== 'scan';
}
