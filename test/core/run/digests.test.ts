import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { byPath, type PathDigest, readDigests, writeDigests } from '../../../core/run/digest-file.ts';
import { mergeDigests } from '../../../core/run/merge-digests.ts';
import { randomNumbers } from '../../helpers/random.ts';
import { makeRun, type RunFixture } from '../../helpers/run-fixture.ts';

let run: RunFixture;
let top: string;
beforeEach(() => {
  run = makeRun();
  top = run.top;
});
afterEach(() => run.remove());

const digest = (letter: string) => letter.repeat(32);
const lines = (paths: readonly string[], letter = 'a'): PathDigest[] =>
  paths.map((path) => ({ path, digest: digest(letter) })).sort(byPath);
const write = (name: string, digests: readonly PathDigest[]) => {
  writeDigests(`${top}/${name}`, 'md5', digests);
  return `${top}/${name}`;
};
const merged = (files: readonly string[]) => [...mergeDigests(files, 'md5', `${top}/merge`)];

const hostile = ['new\nline', 'b\udcff', 'ü', '"', 'a/b', 'a.b', 'a', '\\', '😀', '\uffff', '\u2028'];

describe('a file of digests', () => {
  test('gives back what was written, whatever the names', () => {
    const all = lines(hostile);
    expect([...readDigests(write('d', all), 'md5')]).toEqual(all);
    expect(readdirSync(top)).toEqual(['.bcopy', 'd']);
  });

  test('may be empty', () => {
    expect([...readDigests(write('d', []), 'md5')]).toEqual([]);
  });

  test.each([
    ['is torn', (text: string) => text.slice(0, text.lastIndexOf('{'))],
    ['lacks a line', (text: string) => text.replace(/\[.*\n/, '')],
    ['is by another algorithm', (text: string) => text.replace('md5', 'xxh3')],
    ['has half a digest', (text: string) => text.replace('aaaa"', '"')],
    ['goes on after its end', (text: string) => `${text}["z","${digest('a')}"]\n`],
    ['is from a newer bcopy', (text: string) => text.replace('"format":1', '"format":2')],
  ])('is refused when it %s', (_, damage) => {
    const file = write('d', lines(hostile));
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    expect(() => [...readDigests(file, 'md5')]).toThrow('cannot read the run');
  });
});

describe('merged files of digests', () => {
  test('come in the order of the bytes of their paths', () => {
    const sorted = lines(hostile);
    const files = [0, 1, 2].map((of) =>
      write(
        `${of}`,
        sorted.filter((_, at) => at % 3 === of),
      ),
    );
    expect(merged(files)).toEqual(sorted);
    expect(merged([])).toEqual([]);
    expect(merged([...files, write('none', [])])).toEqual(sorted);
  });

  test('give a path once, as the last file has it', () => {
    const files = [
      write('0', lines(['x', 'y'], 'a')),
      write('1', lines(['x', 'z'], 'c')),
      write('2', lines(['x', 'y'], 'b')),
    ];
    expect(merged(files)).toEqual([...lines(['x', 'y'], 'b'), ...lines(['z'], 'c')]);
  });

  test('may be more than can be open at once, and leave nothing behind', () => {
    const seed = Number(process.env.SEED ?? Date.now());
    console.log(`SEED=${seed}`);
    const random = randomNumbers(seed);
    const all = new Map<string, string>();
    const files: string[] = [];
    for (let file = 0; file < 450; file++) {
      const letter = 'abcdef'[random(6)]!;
      const paths = new Set(Array.from({ length: 5 }, () => `p${random(1500)}`));
      for (const path of paths) all.set(path, digest(letter));
      files.push(write(`${file}`, lines([...paths], letter)));
    }
    const before = readdirSync(top).length;
    expect(merged(files)).toEqual([...all].map(([path, sum]) => ({ path, digest: sum })).sort(byPath));
    expect(readdirSync(top)).toHaveLength(before);
  });
});
