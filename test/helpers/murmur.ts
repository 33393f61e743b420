/** Multipliers of a word, by how much it and the hash are turned, and what is added. */
export type Constants = {
  readonly multipliers: readonly [number, number];
  readonly turns: readonly [number, number];
  readonly addend: number;
};
/** Of MurmurHash3_x86_32. */
export const low: Constants = { multipliers: [0xcc9e2d51, 0x1b873593], turns: [15, 13], addend: 0xe6546b64 };
export const high: Constants = { multipliers: [0x38b34ae5, 0xa1e38b93], turns: [17, 19], addend: 0x561ccd1b };

const bits = 2n ** 32n;
const times = (a: bigint, b: number | bigint) => (a * BigInt(b)) % bits;
const turn = (a: bigint, by: number) => ((a << BigInt(by)) | (a >> BigInt(32 - by))) % bits;

/** As its author describes it, for whole words, in numbers that have no sign and no end. */
export function murmur(
  bytes: Buffer,
  from: number,
  { multipliers: [first, second], turns, addend }: Constants,
) {
  let hash = BigInt(from);
  for (let at = 0; at < bytes.length; at += 4) {
    hash ^= times(turn(times(BigInt(bytes.readUInt32LE(at)), first), turns[0]), second);
    hash = (times(turn(hash, turns[1]), 5) + BigInt(addend)) % bits;
  }
  hash ^= BigInt(bytes.length);
  hash = times(hash ^ (hash >> 16n), 0x85ebca6b);
  hash = times(hash ^ (hash >> 13n), 0xc2b2ae35);
  return Number(hash ^ (hash >> 16n));
}
