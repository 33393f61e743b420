import type { StretchEnd } from './stretch.ts';

/** A stretch of small directories is to have so many names. */
const namesPerStretch = 2048;
const directoriesPerStretchAtMost = 128;
/** Where so few stretches are left, they have so much fewer directories. */
const [stretchesLeft, shorter] = [16, 3];
/** After so long, and then after twice as long each time, one stretch is tried as if calls were fast again. */
const firstTrialMs = 500;
/** Where a stretch had no names to try it with, the next is tried after so long. */
const nextTrialMs = 50;
/** So many names in a row tell that calls are fast. */
const namesPerTrial = 64;

/** What the ends of stretches tell: whether calls are slow, and how many directories make a stretch. */
export class WalkPace {
  readonly #startedAt = performance.now();
  #names = 0;
  #directories = 1;
  #isSlow = false;
  #tryAt = 0;
  #trialMs = firstTrialMs;

  get isSlow(): boolean {
    return this.#isSlow;
  }

  /** Calls are slow, and one stretch is to be walked as if they were not. */
  get isTrialDue(): boolean {
    return this.#isSlow && performance.now() >= this.#tryAt;
  }

  /** Of so many directories that are known: towards the end stretches are short, so that the last are done by all at the same time. */
  directoriesPerStretch(known: number): number {
    if (this.#isSlow && !this.isTrialDue) return 1;
    const names = Math.max(1, this.#names / this.#directories);
    const wanted = Math.min(directoriesPerStretchAtMost, Math.ceil(namesPerStretch / names));
    return known > stretchesLeft * wanted ? wanted : Math.ceil(wanted / shorter);
  }

  /** The walk has gone through so many names, or for so long. */
  isBeyond(names: number, ms: number): boolean {
    return this.#names >= names || performance.now() - this.#startedAt >= ms;
  }

  /** Hears of a stretch. SlowWalk counts no names: what it does says nothing about one call after the other. */
  note({ names, directories, isSlow }: StretchEnd): void {
    if (names === 0) {
      if (!isSlow) this.#tryAt = Math.max(this.#tryAt, performance.now() + nextTrialMs);
      return;
    }
    this.#names += names;
    this.#directories += directories;
    if (isSlow) this.#slowDown();
    else if (this.isTrialDue) this.#endTrial(names);
  }

  #slowDown(): void {
    if (!this.#isSlow) this.#trialMs = firstTrialMs;
    else if (this.isTrialDue) this.#trialMs *= 2;
    this.#isSlow = true;
    this.#tryAt = performance.now() + this.#trialMs;
  }

  #endTrial(names: number): void {
    if (names >= namesPerTrial) this.#isSlow = false;
    else this.#tryAt = performance.now() + this.#trialMs;
  }
}
