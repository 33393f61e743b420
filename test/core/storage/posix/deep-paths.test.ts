import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import {
  copyTree,
  makeTwoTrees,
  requestFor,
  scanned,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';

let trees: TwoTrees;
beforeEach(() => {
  trees = makeTwoTrees();
});
afterEach(async () => {
  // rm walks with descriptors, which takes any depth
  await execa('rm', ['-rf', trees.top]);
});

/** Goes down from a directory by so many steps, and runs a line of shell there. */
async function deepIn(directory: string, steps: number, line: string): Promise<string> {
  const script = `cd -P "$1"; for ((i = 0; i < $2; i++)); do mkdir -p "$3"; cd "./$3" || exit 1; ${line}; done`;
  const name = `${'x'.repeat(200)}é`;
  const { stdout } = await execa('bash', ['-c', script, 'bash', directory, `${steps}`, name]);
  return stdout;
}

test('paths far beyond PATH_MAX are scanned, copied and completed', async () => {
  const depth = 80;
  await deepIn(trees.source, depth, 'printf "%s" "$i" > file; ln -s file link; chmod 0750 .');
  const entries = scanned(trees.source);
  expect(entries).toHaveLength(1 + 3 * depth);
  expect(Math.max(...entries.map(({ path }) => path.length))).toBeGreaterThan(4 * 4096 - 1000);
  const storage = new PosixStorage(requestFor(trees));
  const { outcomes } = copyTree(storage, entries);
  const again = copyTree(storage, entries);
  storage.close();
  expect(outcomes).toEqual([]);
  expect(again.outcomes).toEqual([]);
  const facts =
    'printf "%s %s %s %s\\n" "$(cat link)" "$(stat -c "%a %Y" .)" "$(stat -c %.9Y file)" "$(readlink link)"';
  const [made, original] = [
    await deepIn(trees.destination, depth, facts),
    await deepIn(trees.source, depth, facts),
  ];
  expect(made.split('\n')).toHaveLength(depth);
  expect(made).toBe(original);
});

test('a path that goes up and down far apart is found again', async () => {
  await deepIn(trees.source, 50, 'mkdir -p a b; echo x > a/1; echo y > b/2');
  const storage = new PosixStorage(requestFor(trees));
  expect(copyTree(storage, scanned(trees.source)).outcomes).toEqual([]);
  const back = [...scanned(trees.source)].filter(({ entry }) => entry.kind === 'directory').reverse();
  for (const { ordinal, path } of back)
    expect(storage.completeDirectory(ordinal, path).kind).not.toBe('outcome');
  storage.close();
  expect(
    scanned(trees.destination)
      .map(({ path }) => path)
      .sort(),
  ).toEqual(
    scanned(trees.source)
      .map(({ path }) => path)
      .sort(),
  );
});
