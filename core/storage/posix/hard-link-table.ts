/**
 * The first name of every inode with several, by device and inode, and how many of its names are still to be seen: an
 * open-addressing table of 22 bytes a slot, between 0.35 and 0.7 full, so at most 63 bytes for each inode.
 */
export class HardLinkTable {
  #capacity = 1024;
  #size = 0;
  #low = new Uint32Array(this.#capacity);
  #high = new Uint32Array(this.#capacity);
  #device = new Uint16Array(this.#capacity);
  /** Ordinal + 1; 0 is an empty slot. */
  #ordinal = new Float64Array(this.#capacity);
  #unseen = new Uint32Array(this.#capacity);
  #outside = 0;
  readonly #devices = new Map<string, number>();

  /**
   * The ordinal of an inode's first name; undefined when this is the first, which is then kept as `ordinal`. `names` is
   * how many names the inode has anywhere.
   */
  firstOf(device: string, low: number, high: number, ordinal: number, names = 0): number | undefined {
    const number = this.#numberOf(device);
    const slot = this.#find(low, high, number);
    if (this.#ordinal[slot]! > 0) {
      if (this.#unseen[slot]! > 0 && --this.#unseen[slot]! === 0) this.#outside--;
      return this.#ordinal[slot]! - 1;
    }
    this.#put(slot, low, high, number, ordinal + 1);
    if (names > 1) {
      this.#unseen[slot] = names - 1;
      this.#outside++;
    }
    if (++this.#size > this.#capacity * 0.7) this.#grow();
    return undefined;
  }

  get size(): number {
    return this.#size;
  }

  /** The memory that it takes. */
  get bytes(): number {
    const columns = [this.#low, this.#high, this.#device, this.#ordinal, this.#unseen];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Inodes of which some names have not been seen: they lead out of the tree, once all of it was walked. */
  get outside(): number {
    return this.#outside;
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
    const unseen = this.#unseen;
    this.#capacity *= 2;
    this.#low = new Uint32Array(this.#capacity);
    this.#high = new Uint32Array(this.#capacity);
    this.#device = new Uint16Array(this.#capacity);
    this.#ordinal = new Float64Array(this.#capacity);
    this.#unseen = new Uint32Array(this.#capacity);
    for (let i = 0; i < ordinal.length; i++) {
      if (ordinal[i]! === 0) continue;
      const slot = this.#find(low[i]!, high[i]!, device[i]!);
      this.#put(slot, low[i]!, high[i]!, device[i]!, ordinal[i]!);
      this.#unseen[slot] = unseen[i]!;
    }
  }
}
