import { describe, expect, test } from 'vitest';
import { DigestSet, digestBytes } from '../../../core/model/digest-set.ts';
import { type Random, randomNumbers } from '../../helpers/random.ts';

/** From few different values for each byte, so that many begin with the same. */
function randomDigests(random: Random, count: number, values: number): Uint8Array {
  return Uint8Array.from({ length: count * digestBytes }, () => random(values));
}

const digestAt = (digests: Uint8Array, i: number) => digests.subarray(i * digestBytes, (i + 1) * digestBytes);
const hasDigest = (set: DigestSet, digest: Uint8Array) => {
  const { buffer, byteOffset } = digest;
  const view = new DataView(buffer, byteOffset, digestBytes);
  return set.has(view.getUint32(0, true), view.getUint32(4, true));
};
const keyOf = (digest: Uint8Array) => Buffer.from(digest).toString('hex');
const isNothing = (digest: Uint8Array) => digest.every((byte) => byte === 0);

describe('a set of digests', () => {
  test.each([2, 3, 256])('has what it was made of and nothing else, of %i values a byte', (values) => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomNumbers(seed);
      const count = random(500);
      const digests = randomDigests(random, count, values);
      const set = DigestSet.of(digests);
      const expected = new Set<string>();
      for (let i = 0; i < count; i++) expected.add(keyOf(digestAt(digests, i)));
      for (let i = 0; i < count; i++)
        expect(hasDigest(set, digestAt(digests, i)), `seed ${seed}, digest ${i}`).toBe(
          !isNothing(digestAt(digests, i)),
        );
      const others = randomDigests(random, 200, values);
      for (let i = 0; i < 200; i++) {
        const other = digestAt(others, i);
        const isIn = expected.has(keyOf(other)) && !isNothing(other);
        expect(hasDigest(set, other), `seed ${seed}, other ${i}`).toBe(isIn);
      }
    }
  });

  test('tells digests apart that differ in one byte, wherever it is', () => {
    const digest = Uint8Array.from({ length: digestBytes }, (_, i) => i + 1);
    const set = DigestSet.of(digest);
    for (let i = 0; i < digestBytes; i++) {
      const other = Uint8Array.from(digest);
      other[i] = other[i]! ^ 0x80;
      expect(hasDigest(set, other), `byte ${i}`).toBe(false);
    }
    expect(hasDigest(set, digest)).toBe(true);
  });

  test('of none, or of zeros as a disk leaves them, has nothing', () => {
    const zeros = new Uint8Array(digestBytes);
    expect(hasDigest(DigestSet.of(new Uint8Array()), zeros)).toBe(false);
    const set = DigestSet.of(new Uint8Array(1000 * digestBytes));
    expect(hasDigest(set, zeros)).toBe(false);
    expect(
      hasDigest(
        set,
        Uint8Array.from({ length: digestBytes }, () => 1),
      ),
    ).toBe(false);
  });

  test('leaves out what is cut off at the end, and takes digests from the middle of a buffer', () => {
    const digests = randomDigests(randomNumbers(7), 3, 256);
    const set = DigestSet.of(digests.subarray(0, 2 * digestBytes + 5));
    expect([0, 1, 2].map((i) => hasDigest(set, digestAt(digests, i)))).toEqual([true, true, false]);
    const shifted = new Uint8Array(digests.length + 1);
    shifted.set(digests, 1);
    const odd = DigestSet.of(shifted.subarray(1));
    expect([0, 1, 2].map((i) => hasDigest(odd, digestAt(digests, i)))).toEqual([true, true, true]);
  });

  test('is the same in another thread, which gets its memory', () => {
    const digests = randomDigests(randomNumbers(8), 100, 256);
    const again = new DigestSet(DigestSet.of(digests).shared);
    for (let i = 0; i < 100; i++) expect(hasDigest(again, digestAt(digests, i))).toBe(true);
  });
});
