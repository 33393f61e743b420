import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EntryDigest } from '../../../core/model/source-digest.ts';
import { CopiedDigests, CopiedDigestsReader } from '../../../core/run/copied-digests.ts';
import { randomNumbers } from '../../helpers/random.ts';
import { makeRun, type RunFixture } from '../../helpers/run-fixture.ts';

const seed = Number(process.env.PROPERTY_SEED ?? Math.floor(Math.random() * 1e6));
const first = 1000;

let run: RunFixture;
let file: string;
beforeEach(() => {
  run = makeRun();
  file = `${run.top}/digests`;
});
afterEach(() => run.remove());

const hex = (number: number) => (number + 1).toString(16).padStart(32, '0');
const digestFor = (ordinal: number, salt = 0): EntryDigest => ({
  ordinal,
  version: hex(ordinal * 2 + salt),
  digest: hex(ordinal * 2 + 1 + salt),
});

async function write(...batches: readonly (readonly EntryDigest[])[]): Promise<void> {
  const digests = await CopiedDigests.open(file, first);
  for (const batch of batches) digests.take(batch);
  await digests.flush();
  await digests.close();
}

/** What a reader says of entries, in their order. */
function read(ordinals: readonly number[]) {
  const reader = CopiedDigestsReader.open(file, first);
  const found = ordinals.map((ordinal) => {
    const known = reader?.of(ordinal);
    return known === undefined ? undefined : { ordinal, ...known };
  });
  reader?.close();
  return found;
}

describe('a file of digests of copies', () => {
  test(`gives back what was put into it, in any order: seed ${seed}`, async () => {
    const random = randomNumbers(seed);
    const all = Array.from({ length: 9000 }, (_, i) => first + i).filter(() => random(3) > 0);
    const shuffled = all.map((ordinal) => [random(2 ** 30), ordinal] as const).sort(([a], [b]) => a - b);
    const batches = [shuffled.slice(0, 5000), shuffled.slice(5000)];
    await write(...batches.map((batch) => batch.map(([, ordinal]) => digestFor(ordinal))));
    const has = new Set(all);
    const asked = Array.from({ length: 9100 }, (_, i) => first + i - 50);
    expect(read(asked)).toEqual(asked.map((ordinal) => (has.has(ordinal) ? digestFor(ordinal) : undefined)));
    expect(read([first + 8000, first, first + 4096])).toEqual(
      [first + 8000, first, first + 4096].map((ordinal) =>
        has.has(ordinal) ? digestFor(ordinal) : undefined,
      ),
    );
  });

  test('has the later digest of what was copied twice, also by a successor of the same name', async () => {
    await write([digestFor(first), digestFor(first + 1), digestFor(first, 100)]);
    expect(read([first, first + 1])).toEqual([digestFor(first, 100), digestFor(first + 1)]);
    await write([digestFor(first + 1, 100)]);
    expect(read([first, first + 1])).toEqual([digestFor(first, 100), digestFor(first + 1, 100)]);
  });

  test('that is torn anywhere has what is whole, and nothing else', async () => {
    const all = [0, 1, 2].map((i) => digestFor(first + i));
    for (let bytes = 0; bytes <= 128; bytes++) {
      await write(all);
      truncateSync(file, bytes);
      const whole = Math.max(0, Math.floor(bytes / 32) - 1);
      expect(read(all.map(({ ordinal }) => ordinal))).toEqual(
        all.map((one, i) => (i < whole ? one : undefined)),
      );
    }
  });

  test.each([
    ['is missing', undefined],
    ['is empty', ''],
    ['is of a newer format', '{"format":2,"algorithm":"xxh3"}\n'],
    ['is something else', 'x'.repeat(200)],
  ])('that %s says nothing', async (_, beginning) => {
    if (beginning !== undefined) {
      await write([digestFor(first)]);
      const rest = beginning === '' ? '' : readFileSync(file).subarray(beginning.length);
      writeFileSync(file, Buffer.concat([Buffer.from(beginning), Buffer.from(rest)]));
    }
    expect(read([first])).toEqual([undefined]);
  });

  test('begins with a line that says what it is', async () => {
    await write([]);
    expect(readFileSync(file, 'utf8')).toBe('{"format":1,"algorithm":"xxh3"}\n');
  });
});
