export type Range = { readonly from: number; readonly to: number };

/** A set of whole numbers, kept as ascending ranges `[from, to)` that do not touch. Memory grows with the gaps only. */
export class RangeSet {
  readonly #froms: number[] = [];
  readonly #tos: number[] = [];

  /** Adds a range and returns the pieces of it that were not there before, ascending. */
  add(from: number, to: number): Range[] {
    if (to <= from) return [];
    const missing = this.missingIn(from, to);
    const first = this.#firstEndingAtOrAfter(from);
    let last = first;
    let [low, high] = [from, to];
    while (last < this.#froms.length && this.#froms[last]! <= to) {
      low = Math.min(low, this.#froms[last]!);
      high = Math.max(high, this.#tos[last]!);
      last++;
    }
    this.#froms.splice(first, last - first, low);
    this.#tos.splice(first, last - first, high);
    return missing;
  }

  /** Takes one number out; true when it was there. */
  delete(value: number): boolean {
    if (!this.has(value)) return false;
    const at = this.#firstEndingAtOrAfter(value + 1);
    const [from, to] = [this.#froms[at]!, this.#tos[at]!];
    const left = [
      { from, to: value },
      { from: value + 1, to },
    ].filter((range) => range.from < range.to);
    this.#froms.splice(at, 1, ...left.map((range) => range.from));
    this.#tos.splice(at, 1, ...left.map((range) => range.to));
    return true;
  }

  clear(): void {
    this.#froms.length = this.#tos.length = 0;
  }

  has(value: number): boolean {
    const at = this.#firstEndingAtOrAfter(value + 1);
    return at < this.#froms.length && this.#froms[at]! <= value;
  }

  /** The pieces of `[from, to)` that are not in the set, ascending. */
  missingIn(from: number, to: number): Range[] {
    const missing: Range[] = [];
    let next = from;
    for (let i = this.#firstEndingAtOrAfter(from); i < this.#froms.length && this.#froms[i]! < to; i++) {
      if (this.#froms[i]! > next) missing.push({ from: next, to: this.#froms[i]! });
      next = Math.max(next, this.#tos[i]!);
    }
    if (next < to) missing.push({ from: next, to });
    return missing;
  }

  covers(from: number, to: number): boolean {
    return this.missingIn(from, to).length === 0;
  }

  #firstEndingAtOrAfter(value: number): number {
    let [low, high] = [0, this.#tos.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#tos[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
