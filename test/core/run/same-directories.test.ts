import { describe, expect, test } from 'vitest';
import { SameDirectories } from '../../../core/run/same-directories.ts';
import { type Random, randomNumbers } from '../../helpers/random.ts';

/** Set to see one failure again. */
const onlySeed = Number(process.env.SAME_DIRECTORIES_SEED ?? 0);

/** A directory of a walk, and what is left to do directly in it. */
type Walked = { readonly path: string; readonly isSame: boolean; readonly left: number };

/** Names of which one begins as another does, as they stand on the tape. */
const names = ['a', 'a.b', 'a-', 'a b', 'a\\"', 'aa', 'b', '\\udcff', 'ab', '\xc3\xa9'];

function randomWalk(random: Random, path: string, depth: number): Walked[] {
  const one = { path, isSame: random(4) > 0, left: random(4) === 0 ? 1 + random(3) : 0 };
  const below = names.filter(() => depth > 0 && random(4) === 0);
  // Those that were found last come first
  return [
    one,
    ...below.reverse().flatMap((name) => {
      return randomWalk(random, path === '' ? name : `${path}/${name}`, depth - 1);
    }),
  ];
}

const parentOf = (path: string) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '');

/** The same by hand. */
function isTouched({ path, left }: Walked, walk: readonly Walked[]): boolean {
  return (
    left > 0 || walk.some((other) => !other.isSame && other.path !== '' && parentOf(other.path) === path)
  );
}

/** The paths whose marks have to go; a mark is the place in the walk. They are taken now and then. */
function touchedIn(walk: readonly Walked[], random: Random): string[] {
  const directories = new SameDirectories();
  const marks: number[] = [];
  for (const [mark, { path, isSame, left }] of walk.entries()) {
    directories.enter(path, isSame ? mark : undefined);
    for (let i = 0; i < left; i++) directories.touch();
    if (random(5) === 0) marks.push(...directories.take());
  }
  marks.push(...directories.take());
  expect(directories.take()).toEqual([]);
  return marks.map((mark) => walk[mark]!.path);
}

describe('directories that are the same', () => {
  test('lose their marks where something is left in them, or a directory in them has none, and nowhere else', () => {
    const seeds = onlySeed > 0 ? [onlySeed] : Array.from({ length: 400 }, (_, i) => i + 1);
    let kept = 0;
    for (const seed of seeds) {
      const random = randomNumbers(seed);
      const walk = randomWalk(random, '', 5);
      const marked = walk.filter(({ isSame }) => isSame);
      const expected = marked.filter((one) => isTouched(one, walk)).map(({ path }) => path);
      expect(touchedIn(walk, random).sort(), `SAME_DIRECTORIES_SEED=${seed}`).toEqual(expected.sort());
      kept += marked.length - expected.length;
    }
    expect(kept).toBeGreaterThan(seeds.length);
  });

  test.each([
    // In the order of a walk: the directory without a mark, what comes before it, whose mark goes
    [['', 'a', 'a.b!'], ['']],
    [['', 'a', 'a/b!'], ['a']],
    [['', 'a', 'a-', 'a-/c!'], ['a-']],
    [['', 'a', 'a/b', 'a/b/c', 'a.b!'], ['']],
    [['', 'a', 'a/b', 'ab!'], ['']],
    [['', 'a/b', 'a/bc', 'a/b!'], ['']],
    [['', 'a', 'a/b', 'a/b/c', 'a/bc!'], ['a']],
    [['!', 'a', 'a/b'], []],
    [['', 'a!', 'a/b!', 'a/b/c'], ['']],
  ])('are told apart by whole names: %j', (walk, expected) => {
    const directories = new SameDirectories();
    for (const [mark, name] of walk.entries())
      directories.enter(name.replace('!', ''), name.endsWith('!') ? undefined : mark);
    expect(directories.take().map((mark) => walk[mark])).toEqual(expected);
  });

  test('have nothing left in them but what follows before the next', () => {
    const directories = new SameDirectories();
    directories.touch();
    for (const [mark, path] of ['', 'a', 'a/b', 'c'].entries()) directories.enter(path, mark);
    directories.touch();
    directories.touch();
    expect(directories.take()).toEqual([3]);
    directories.touch();
    expect(directories.take()).toEqual([]);
  });
});
