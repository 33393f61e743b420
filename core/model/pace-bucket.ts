/** What a bucket needs of the machine. */
export type PaceClock = {
  /** The same clock for all threads of a process, in nanoseconds. */
  readonly nowNs: () => bigint;
  readonly sleepMs: (ms: number) => void;
};

/** What all threads of a worker share of one limit: the moment from which its next unit is free. */
export type PaceMemory = SharedArrayBuffer;

export const newPaceMemory = (): PaceMemory => new SharedArrayBuffer(8);

/** Who has taken nothing for a while may be so far ahead at once. */
const burstNs = 100_000_000n;

/**
 * A limit of so many units in a second, shared by all who have its memory. Who takes some waits until what was taken
 * before is paid for: over any time it is the limit's share of that time, and at most a tenth of a second's more.
 */
export class PaceBucket {
  readonly #perSecond: number;
  readonly #free: BigInt64Array;
  readonly #clock: PaceClock;

  constructor(perSecond: number, memory: PaceMemory, clock: PaceClock) {
    this.#perSecond = perSecond;
    this.#free = new BigInt64Array(memory);
    this.#clock = clock;
  }

  /** Returns when these may be used. */
  take(units: number): void {
    const price = BigInt(Math.round((units / this.#perSecond) * 1e9));
    for (;;) {
      const free = Atomics.load(this.#free, 0);
      const now = this.#clock.nowNs();
      const from = free > now - burstNs ? free : now - burstNs;
      if (Atomics.compareExchange(this.#free, 0, free, from + price) !== free) continue;
      if (from > now) this.#clock.sleepMs(Number(from - now) / 1e6);
      return;
    }
  }
}
