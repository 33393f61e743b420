/** Lets so many calls be under way at once; the others wait for their turn. */
export class CallLimit {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  #next = 0;
  #ended: Error | undefined;

  constructor(atMost: number) {
    this.#free = atMost;
  }

  /** Makes the call when its turn has come; never after `end`. */
  run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#free === 0)
      return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() => this.#make(call));
    this.#free--;
    return this.#make(call);
  }

  /** Each turn costs two promises, where calls are made by the thousand. */
  #make<T>(call: () => Promise<T>): Promise<T> {
    const made = this.#ended === undefined ? call() : Promise.reject<T>(this.#ended);
    const pass = () => this.#pass();
    made.then(pass, pass);
    return made;
  }

  /** Calls that have not begun will not: they fail with this error. */
  end(reason: Error): void {
    this.#ended ??= reason;
  }

  /** Gives a turn to who has waited longest. */
  #pass(): void {
    const next = this.#waiting[this.#next];
    if (next === undefined) {
      this.#free++;
      return;
    }
    if (++this.#next > 1024 || this.#next === this.#waiting.length) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    next();
  }
}
