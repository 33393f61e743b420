/** A call that takes so long waits for something else than this machine. */
const slowMs = 0.3;
/** The clock is read once for so many calls, but soon after the first. */
const callsPerLook = 8;
const callsAtFirst = 2;
/** So many slow calls, one after the other, are no accident of a busy machine; nor are fewer that took so long together. */
const slowInARow = 6;
const longInARow = 2;
const longMs = 20;

/** Finds out whether the calls made one after the other are slow, each of them. */
export class Latency {
  #calls = 0;
  #since = performance.now();
  #slow = 0;
  #slowMs = 0;
  #callsPerLook = callsAtFirst;

  /** Begins anew: what was done before now does not count. */
  begin(): void {
    this.#calls = 0;
    this.#slow = 0;
    this.#slowMs = 0;
    this.#callsPerLook = callsAtFirst;
    this.#since = performance.now();
  }

  /** To be asked after each call; true as soon as they are slow. */
  isSlow(): boolean {
    this.#calls++;
    // A group of calls that took long is followed by a look at each
    if (this.#slow === 0 && this.#calls < this.#callsPerLook) return false;
    const now = performance.now();
    const taken = now - this.#since;
    const isSlow = taken > slowMs * this.#calls;
    this.#since = now;
    this.#calls = 0;
    this.#callsPerLook = callsPerLook;
    this.#slow = isSlow ? this.#slow + 1 : 0;
    this.#slowMs = isSlow ? this.#slowMs + taken : 0;
    return this.#slow > slowInARow || (this.#slow > longInARow && this.#slowMs > longMs);
  }
}
