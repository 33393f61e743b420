import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  ContentDigest,
  digestOfText,
  prepareDigests,
} from '../../../../core/storage/posix/content-digest.ts';
import { type Random, randomNumbers } from '../../../helpers/random.ts';

const KiB = 1024;
const seed = Number(process.env.PROPERTY_SEED ?? Math.floor(Math.random() * 1e6));
beforeAll(prepareDigests);

function digestOf(content: Buffer, from = 0): string {
  const digest = new ContentDigest(from);
  digest.add(content);
  return digest.end();
}

/** Bytes with zeros in stretches of all lengths. */
function patchy(random: Random, bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; ) {
    const end = Math.min(bytes, at + 1 + random(random(3) === 0 ? 300 * KiB : 70 * KiB));
    if (random(2) === 0) content.fill(1 + random(255), at, end);
    at = end;
  }
  return content;
}

/** The same, told piece by piece, and zeros as holes where `random` likes that. */
function toldInPieces(content: Buffer, from: number, random: Random): string {
  const digest = new ContentDigest(from);
  for (let at = 0; at < content.length; ) {
    const end = Math.min(content.length, at + 1 + random(random(2) === 0 ? 5000 : 200 * KiB));
    const piece = content.subarray(at, end);
    if (random(2) === 0 && piece.every((byte) => byte === 0)) digest.zerosUpTo(from + end);
    else digest.add(piece);
    at = end;
  }
  expect(digest.position).toBe(from + content.length);
  return digest.end();
}

describe('the digest of content', () => {
  test.each([1, 1000, 64 * KiB, 200_001])('of %d bytes is that of xxhsum', (bytes) => {
    const content = Buffer.alloc(bytes, 'content');
    const [sum] = execFileSync('xxhsum', ['-q', '-H2', '-'], { input: content, encoding: 'utf8' }).split(' ');
    expect(digestOf(content)).toBe(sum);
    expect(digestOfText(content.toString())).toBe(sum);
  });

  test(`is the same however it is read, and whatever is a hole: seed ${seed}`, () => {
    const random = randomNumbers(seed);
    for (let i = 0; i < 60; i++) {
      const content = patchy(random, random(700 * KiB));
      const from = random(2) === 0 ? 0 : random(300 * KiB);
      const whole = digestOf(content, from);
      for (let j = 0; j < 3; j++) expect(toldInPieces(content, from, random)).toBe(whole);
    }
  });

  test(`is another when any byte is, or the zeros are elsewhere: seed ${seed}`, () => {
    const random = randomNumbers(seed);
    const content = patchy(random, 400 * KiB);
    const seen = new Set([digestOf(content)]);
    for (let i = 0; i < 200; i++) {
      const at = random(content.length);
      const changed = Buffer.from(content);
      changed[at] = changed[at]! ^ (1 << random(8));
      seen.add(digestOf(changed));
    }
    expect(seen.size).toBeGreaterThan(150);
    expect(seen.has(digestOf(Buffer.concat([Buffer.alloc(64 * KiB), content])))).toBe(false);
    const zeros = [0, 1, 64 * KiB, 128 * KiB, 128 * KiB + 1].map((bytes) => digestOf(Buffer.alloc(bytes)));
    expect(new Set(zeros).size).toBe(5);
  });

  test('of a hole of a petabyte takes no time', () => {
    const digests = [[2 ** 50 + 7], [2 ** 49, 2 ** 50 + 7], [2 ** 49 + 1, 2 ** 50 + 7]].map((ends) => {
      const digest = new ContentDigest(5);
      for (const end of ends) digest.zerosUpTo(end);
      digest.add(Buffer.from('x'));
      expect(digest.position).toBe(2 ** 50 + 8);
      return digest.end();
    });
    expect(new Set(digests).size).toBe(1);
  });
});
