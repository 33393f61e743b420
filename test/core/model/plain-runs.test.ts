import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { PlainRuns, runMark, wordsPerHeader } from '../../../core/model/plain-runs.ts';
import { type Random, randomNumbers } from '../../helpers/random.ts';

const seed = Number(process.env.RUNS_SEED ?? 5);
type Run = { readonly inode: readonly [low: number, high: number]; readonly words: readonly number[] };

const bytesOf = (words: readonly number[]) => new Uint8Array(Uint32Array.from(words).buffer);
const wordsOf = ({ inode, words }: Run) => [runMark, ...inode, words.length / 2, ...words];
const fileOf = (runs: readonly Run[]) => bytesOf(runs.flatMap(wordsOf));
const keyOf = ([low, high]: Run['inode']) => `${high}:${low}`;

/** Few directories, so that there are several runs of one, and some that share a word of their inode. */
function randomRuns(random: Random, count: number): Run[] {
  return Array.from({ length: count }, () => ({
    inode: [random(4) === 0 ? 0xffffffff - random(3) : random(20) * 4096, random(2)],
    words: Array.from({ length: random(6) * 2 }, () => random(2 ** 32)),
  }));
}

function digestsOf(parts: readonly ArrayLike<number>[]): string[] {
  const words = parts.flatMap((part) => Array.from(part));
  return Array.from({ length: words.length / 2 }, (_, i) => `${words[2 * i]}.${words[2 * i + 1]}`).sort();
}

/** All that was put in, by directory. */
function expected(runs: readonly Run[]): Map<string, string[]> {
  const all = new Map<string, (readonly number[])[]>();
  for (const { inode, words } of runs) all.set(keyOf(inode), [...(all.get(keyOf(inode)) ?? []), words]);
  return new Map([...all].map(([key, parts]) => [key, digestsOf(parts)]));
}

const lows = [...Array.from({ length: 20 }, (_, i) => i * 4096), 0xffffffff, 0xfffffffe, 0xfffffffd];
const inodes = lows.flatMap((low): Run['inode'][] => [
  [low, 0],
  [low, 1],
]);

function expectRuns(made: PlainRuns, runs: readonly Run[], what: string): void {
  const all = expected(runs);
  for (const inode of inodes)
    expect(digestsOf(made.digestsIn(...inode)), `${what}, ${keyOf(inode)}`).toEqual(
      all.get(keyOf(inode)) ?? [],
    );
}

describe('runs of digests', () => {
  test('are found by their directory as a plain map would have them', () => {
    for (let round = 0; round < 60; round++) {
      const random = randomNumbers(seed + round);
      const files = Array.from({ length: random(4) }, () => randomRuns(random, random(40)));
      expectRuns(PlainRuns.of(files.map(fileOf)), files.flat(), `seed ${seed + round}`);
    }
  });

  test('of a file that is cut off anywhere are there if they were whole, and those of other files all the same', () => {
    const random = randomNumbers(seed);
    const [torn, other] = [randomRuns(random, 8), randomRuns(random, 8)];
    const file = fileOf(torn);
    for (let bytes = 0; bytes <= file.length; bytes++) {
      let at = 0;
      const whole = torn.filter((run) => {
        at += wordsOf(run).length * 4;
        return at <= bytes;
      });
      const made = PlainRuns.of([file.subarray(0, bytes), fileOf(other)]);
      expectRuns(made, [...whole, ...other], `seed ${seed}, ${bytes} bytes`);
    }
  });

  test('are none from where a file makes no sense: zeros, a huge count, no mark', () => {
    const [run, after]: Run[] = [
      { inode: [4096, 0], words: [1, 2] },
      { inode: [8192, 0], words: [3, 4] },
    ];
    const nonsense = [
      new Array<number>(100).fill(0),
      [runMark, 8192, 0, 0xffffffff, 3, 4],
      [runMark, 8192, 0, 0x80000000, 3, 4],
      [runMark + 1, 8192, 0, 1, 3, 4],
    ];
    for (const words of nonsense) {
      const file = bytesOf([...wordsOf(run!), ...words, ...wordsOf(after!)]);
      expectRuns(PlainRuns.of([file, fileOf([after!])]), [run!, after!], String(words));
      expectRuns(PlainRuns.of([file]), [run!], String(words));
    }
  });

  test('are none in no files, in empty ones, and in one of noise', () => {
    const random = randomNumbers(seed);
    const noise = Uint8Array.from({ length: 4001 }, () => random(256));
    for (const files of [[], [new Uint8Array()], [noise], [new Uint8Array(3)]])
      expectRuns(PlainRuns.of(files), [], String(files.length));
  });

  test('take no longer with each more of one directory', () => {
    // Each of them looked at for each other would be 3 * 10^10 looks
    const runs = 2 ** 18;
    const words = new Uint32Array(runs * (wordsPerHeader + 2));
    for (let i = 0; i < runs; i++) words.set([runMark, 4096, 0, 1, i, 7], i * (wordsPerHeader + 2));
    const found = PlainRuns.of([new Uint8Array(words.buffer)]).digestsIn(4096, 0);
    expect(found).toHaveLength(runs);
    expect(new Set(found.map(([low]) => low)).size).toBe(runs);
  });

  test('may begin anywhere in a buffer', () => {
    const runs = randomRuns(randomNumbers(seed), 10);
    const file = fileOf(runs);
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    expectRuns(PlainRuns.of([shifted.subarray(3)]), runs, 'shifted');
  });

  test('are the same in another thread, which gets their memory', async () => {
    const runs = randomRuns(randomNumbers(seed), 50);
    const { shared } = PlainRuns.of([fileOf(runs)]);
    // What a thread changes is seen here: it is the same memory, and not a copy
    const program = `const { parentPort, workerData } = require('node:worker_threads');
      const words = new Uint32Array(workerData);
      for (let i = 0; i < words.length; i++) if (words[i] === 12345678) words[i] = 87654321;
      parentPort.postMessage(workerData);`;
    const marked: Run = { inode: [77, 0], words: [12345678, 1] };
    const made = PlainRuns.of([fileOf([...runs, marked])]);
    const worker = new Worker(program, { eval: true, workerData: made.shared });
    const back = await new Promise<SharedArrayBuffer>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
    await worker.terminate();
    expect(digestsOf(made.digestsIn(77, 0))).toEqual(['87654321.1']);
    expectRuns(new PlainRuns(back), runs, 'from a thread');
    expectRuns(new PlainRuns(shared), runs, 'here');
  });
});
