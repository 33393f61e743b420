/**
 * The first name of every inode with several, by device and inode: an open-addressing table of 18 bytes a slot, at
 * most 0.7 full, so at most 52 bytes for each inode on average over its growth.
 */
export class HardLinkTable {
  #capacity = 1024;
  #size = 0;
  #low = new Uint32Array(this.#capacity);
  #high = new Uint32Array(this.#capacity);
  #device = new Uint16Array(this.#capacity);
  /** Ordinal + 1; 0 is an empty slot. */
  #ordinal = new Float64Array(this.#capacity);
  readonly #devices = new Map<string, number>();

  /** The ordinal of an inode's first name; undefined when this is the first, which is then kept as `ordinal`. */
  firstOf(device: string, low: number, high: number, ordinal: number): number | undefined {
    const number = this.#numberOf(device);
    const slot = this.#find(low, high, number);
    if (this.#ordinal[slot]! > 0) return this.#ordinal[slot]! - 1;
    this.#put(slot, low, high, number, ordinal + 1);
    if (++this.#size > this.#capacity * 0.7) this.#grow();
    return undefined;
  }

  get size(): number {
    return this.#size;
  }

  #numberOf(device: string): number {
    const known = this.#devices.get(device);
    if (known !== undefined) return known;
    this.#devices.set(device, this.#devices.size);
    return this.#devices.size - 1;
  }

  #find(low: number, high: number, device: number): number {
    const mask = this.#capacity - 1;
    let slot = (Math.imul(low, 0x9e3779b1) ^ Math.imul(high + device, 0x85ebca6b)) >>> 0;
    for (slot = (slot ^ (slot >>> 15)) & mask; this.#ordinal[slot]! > 0; slot = (slot + 1) & mask) {
      if (this.#low[slot] === low && this.#high[slot] === high && this.#device[slot] === device) break;
    }
    return slot;
  }

  #put(slot: number, low: number, high: number, device: number, ordinal: number): void {
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#device[slot] = device;
    this.#ordinal[slot] = ordinal;
  }

  #grow(): void {
    const [low, high, device, ordinal] = [this.#low, this.#high, this.#device, this.#ordinal];
    this.#capacity *= 2;
    this.#low = new Uint32Array(this.#capacity);
    this.#high = new Uint32Array(this.#capacity);
    this.#device = new Uint16Array(this.#capacity);
    this.#ordinal = new Float64Array(this.#capacity);
    for (let i = 0; i < ordinal.length; i++) {
      if (ordinal[i]! > 0)
        this.#put(this.#find(low[i]!, high[i]!, device[i]!), low[i]!, high[i]!, device[i]!, ordinal[i]!);
    }
  }
}
