import { afterEach, describe, expect, test } from 'vitest';
import { ChangeDigest, wordsPerCopy } from '../../../../core/storage/posix/change-digest.ts';
import { me } from '../../../../core/storage/posix/ownership.ts';
import { high, low, murmur } from '../../../helpers/murmur.ts';
import { type Random, randomNumbers } from '../../../helpers/random.ts';

const seed = Number(process.env.DIGEST_SEED ?? 11);
const { uid, seesTrusted } = me;
afterEach(() => void Object.assign(me, { uid, seesTrusted }));

type Place = readonly [source: number, destination: number];
type Digest = readonly [low: number, high: number];

function digestOf(
  words: readonly number[],
  [source, destination]: Place = [2049, 2065],
  more?: number,
): Digest {
  const digest = new ChangeDigest();
  digest.begin(source, destination, more);
  digest.compute(Uint32Array.from([0, ...words]), 1, words.length);
  return [digest.low, digest.high];
}

const word = (random: Random) => random(2 ** 32);
const someWords = (random: Random, copies = 1) =>
  Array.from({ length: copies * wordsPerCopy }, () => word(random));
/** As they are: seconds of this century, and no inode beyond 32 bits. */
const realistic = (inode: number, nanoseconds: number) => [inode, 0, 1_795_000_000, 0, nanoseconds];

describe('the digest of a copy', () => {
  test('is MurmurHash3_x86_32 in its low word, and the same with other constants in the high one', () => {
    // Known of it
    expect(murmur(Buffer.alloc(0), 1, low)).toBe(0x514e28b7);
    expect(murmur(Buffer.alloc(0), 0xffffffff, low)).toBe(0x81f16f39);
    expect(murmur(Buffer.from('test'), 0, low)).toBe(0xba6bd213);
    expect(murmur(Buffer.from('aaaa'), 0x9747b28c, low)).toBe(0x5a97808a);
    const random = randomNumbers(seed);
    for (let i = 0; i < 500; i++) {
      Object.assign(me, { uid: i % 2 === 0 ? 0 : word(random), seesTrusted: i % 3 === 0 });
      const more = i % 4;
      const [place, words] = [[word(random), word(random)] as const, someWords(random, 1 + (i % 5))];
      const bytes = Buffer.from(
        Uint32Array.from([...place, me.uid, Number(me.seesTrusted), ...words]).buffer,
      );
      expect(digestOf(words, place, more), `seed ${seed}, ${i}`).toEqual([
        murmur(bytes, more, low),
        murmur(bytes, more, high),
      ]);
    }
  });

  test('differs in both words for each bit of inodes and ctimes', () => {
    const random = randomNumbers(seed);
    for (const words of [new Array<number>(wordsPerCopy).fill(0), someWords(random), someWords(random)]) {
      const [wholeLow, wholeHigh] = digestOf(words);
      for (let bit = 0; bit < wordsPerCopy * 32; bit++) {
        const other = [...words];
        other[bit >> 5]! ^= 1 << (bit & 31);
        const [otherLow, otherHigh] = digestOf(other);
        expect([otherLow === wholeLow, otherHigh === wholeHigh], `bit ${bit}`).toEqual([false, false]);
      }
    }
  });

  test('differs for each bit of the devices, and with who asks', () => {
    const words = someWords(randomNumbers(seed));
    const whole = digestOf(words, [2049, 2065]);
    for (let bit = 0; bit < 32; bit++) {
      expect(digestOf(words, [2049 ^ (1 << bit), 2065])).not.toEqual(whole);
      expect(digestOf(words, [2049, 2065 ^ (1 << bit)])).not.toEqual(whole);
    }
    expect(digestOf(words, [2065, 2049])).not.toEqual(whole);
    Object.assign(me, { uid: uid ^ 1 });
    expect(digestOf(words, [2049, 2065])).not.toEqual(whole);
    Object.assign(me, { uid, seesTrusted: !seesTrusted });
    expect(digestOf(words, [2049, 2065])).not.toEqual(whole);
    Object.assign(me, { seesTrusted });
    expect(digestOf(words, [2049, 2065])).toEqual(whole);
  });

  test('of several copies differs where one is missing, comes twice, or comes elsewhere, and with what is asked', () => {
    const random = randomNumbers(seed);
    const [one, two, three] = [someWords(random), someWords(random), someWords(random)];
    const groups = [[one, two, three], [one, two], [one, three, two], [one, two, three, three], [one], []];
    const digests = groups.flatMap((group) =>
      [0, 1, 2, 3].map((more) => digestOf(group.flat(), [1, 2], more).join()),
    );
    expect(new Set(digests).size).toBe(digests.length);
  });

  test('differs when both sides are exchanged', () => {
    const [one, two] = [realistic(12, 1000), realistic(13, 2000)];
    expect(digestOf([...one, ...two])).not.toEqual(digestOf([...two, ...one]));
  });

  test('is another one for each of a million files that were copied one after the other', () => {
    const random = randomNumbers(seed);
    const files = 2 ** 20;
    const seen = new BigUint64Array(files);
    const words = new Uint32Array(wordsPerCopy);
    const digest = new ChangeDigest();
    digest.begin(2049, 2065);
    for (let i = 0; i < files; i++) {
      // Sources that were unpacked, many in one tick of the clock; copies of some ten microseconds each
      words.set(realistic(1_000_000 + i, Math.floor(i / 64) * 4000), 0);
      words.set(realistic(5_000_000 + i, (i * 40_000 + random(1000)) % 1e9), wordsPerCopy / 2);
      digest.compute(words, 0);
      seen[i] = (BigInt(digest.high) << 32n) | BigInt(digest.low);
    }
    const lows = Uint32Array.from(seen, (one) => Number(one & 0xffffffffn));
    const highs = Uint32Array.from(seen, (one) => Number(one >> 32n));
    expect(equalIn(seen)).toBe(0);
    // Of so many random numbers of 32 bits 128 are expected to be there already, and neither half is to help the other
    for (const half of [lows, highs]) expect(equalIn(half), `seed ${seed}`).toBeLessThan(300);
  });
});

/** How many are there more than once. */
function equalIn(numbers: BigUint64Array | Uint32Array): number {
  const sorted = numbers.slice().sort();
  let equal = 0;
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) equal++;
  return equal;
}
