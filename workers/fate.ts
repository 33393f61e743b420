import { classOf } from '../core/model/errno.ts';
import type { EntryOutcome } from '../core/model/outcome.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import type { Engine } from './engine.ts';
import type { Recorder } from './recorder.ts';
import { patience, tryAgain } from './retry.ts';
import type { TaskOptions } from './task.ts';

export type FateParts = {
  readonly engine: Engine;
  readonly recorder: Recorder;
  readonly options: TaskOptions;
};

/** Whether a worker goes on, and why it ends: by what became of entries, and what it was told. */
export class Fate {
  readonly #recorder: Recorder;
  readonly #options: TaskOptions;
  #failures = 0;
  #hopeless: string | undefined;
  #broken: Error | undefined;

  constructor({ engine, recorder, options }: FateParts) {
    [this.#recorder, this.#options] = [recorder, options];
    const stop = () => engine.stop();
    if (options.signal.aborted) stop();
    else options.signal.addEventListener('abort', stop, { once: true });
  }

  get mustStop(): boolean {
    return (
      this.#options.signal.aborted ||
      this.#hopeless !== undefined ||
      this.#broken !== undefined ||
      this.#recorder.hasFailed ||
      this.#recorder.isSuperseded
    );
  }

  throwBroken(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  get reason(): JournalEnd['reason'] {
    if (this.#recorder.isSuperseded) return 'superseded';
    if (this.#hopeless !== undefined) return 'hopeless';
    if (this.#options.signal.aborted) return 'cut off';
    return this.#failures > 0 ? 'failures' : 'complete';
  }

  /** Nothing more can be written at all, for this cause. */
  hopeless(cause: string): void {
    this.#hopeless ??= cause;
  }

  broken(error: Error): void {
    this.#broken ??= error;
  }

  /** Takes in what became of an entry that failed or vanished. */
  tell(outcome: EntryOutcome): void {
    if (classOf(outcome.cause) === 'hopeless') this.hopeless(outcome.cause);
    if (outcome.outcome === 'failed') this.#failures++;
    this.#recorder.takeOutcome(outcome);
    this.#options.log.outcome(outcome);
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
    const { signal } = this.#options;
    const result = await tryAgain(first, work, hasPassed, { ...patience, signal });
    return signal.aborted && !hasPassed(result) ? undefined : result;
  }
}

/** True when another try may end better. */
export function isPassing({ cause, action }: EntryOutcome): boolean {
  return classOf(cause) === 'transient' && action !== 'scan';
}
