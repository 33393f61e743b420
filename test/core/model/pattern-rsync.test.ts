import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EntryFilter, type FilterRule } from '../../../core/model/filters.ts';
import { type Random, randomNumbers } from '../../helpers/random.ts';

const seed = Number(process.env.PATTERN_SEED ?? Math.floor(Math.random() * 1e6));
const rounds = Number(process.env.PATTERN_ROUNDS ?? 60);
const names = ['a', 'b', 'ab', '.a', 'a.b', 'b]', '-', 'A'];
let top: string;

/** Three levels of all names: each is a directory but on the lowest level, where it is a file. */
function fill(directory: string, depth: number): void {
  for (const name of names) {
    const path = join(directory, name);
    if (depth === 0) writeFileSync(path, '');
    else {
      mkdirSync(path);
      fill(path, depth - 1);
    }
  }
}
beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'bcopy-patterns-'));
  fill(top, 2);
});
afterAll(() => rmSync(top, { recursive: true }));

/** What is left in when nothing is read below a directory that is left out. */
function leftIn(filter: EntryFilter, directory = '', depth = 2): string[] {
  return names.flatMap((name) => {
    const path = directory === '' ? name : `${directory}/${name}`;
    if (filter.excludes(directory, name, depth > 0)) return [];
    return depth === 0 ? [path] : [`${path}/`, ...leftIn(filter, path, depth - 1)];
  });
}

async function leftInByRsync(rules: readonly FilterRule[]): Promise<string[]> {
  const words = rules.map(({ kind, pattern }) => `--${kind}=${pattern}`);
  const { stdout } = await execa('rsync', ['-rn', '--out-format=%n', ...words, `${top}/`, `${top}-none/`]);
  return stdout.split('\n').filter((line) => line !== '' && line !== './');
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)]!;
}

function randomPattern(random: Random): string {
  const one = () =>
    pick(random, ['a', 'b', 'a', 'b', '.', 'A', '-', '*', '?', '[ab]', '[!a]', '[^.]', '[a-c]']);
  const step = () =>
    Array.from({ length: 1 + random(3) }, one)
      .join('')
      // In the middle of a path two stars stand for at least one directory to rsync, and for none too here
      .replace(/^(\.{1,2}|\*{2,})$/, 'a');
  const steps = Array.from({ length: 1 + random(3) }, step);
  const stars = random(8);
  if (stars === 0) steps.push('**');
  if (stars === 1) steps.unshift('**');
  if (stars === 2) steps.push(`${pick(random, ['a', ''])}**${pick(random, ['b', '[ab]'])}`);
  if (stars === 3) steps.push('***');
  // rsync takes the stars of two steps for one wildcard
  const pattern = steps.join('/').replace(/\*{4,}/g, '**');
  // To rsync the stars of `/**/` stand for at least one directory
  return `${pattern.startsWith('**/') ? '' : pick(random, ['', '', '/'])}${pattern}${pick(random, ['', '', '/'])}`;
}

test(`rsync leaves out the same (PATTERN_SEED=${seed})`, async () => {
  const random = randomNumbers(seed);
  let out = 0;
  for (let round = 0; round < rounds; round++) {
    const rules = Array.from({ length: 1 + random(3) }, () => ({
      kind: pick(random, ['exclude', 'exclude', 'include'] as const),
      pattern: randomPattern(random),
    }));
    const own = leftIn(new EntryFilter({ rules }));
    expect(own.sort(), JSON.stringify(rules)).toEqual((await leftInByRsync(rules)).sort());
    if (own.length < 8 + 64 + 512) out++;
  }
  expect(out).toBeGreaterThan(rounds / 10);
});
