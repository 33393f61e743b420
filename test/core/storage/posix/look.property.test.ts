import { lstatSync } from 'node:fs';
import { execaSync } from 'execa';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { changeTree, makeRandomTree } from '../../../helpers/change-tree.ts';
import { lookEveryWay } from '../../../helpers/look-every-way.ts';
import { randomNumbers } from '../../../helpers/random.ts';
import { makeTwoTrees, type TwoTrees } from '../../../helpers/storage-trees.ts';

const isRoot = process.getuid?.() === 0;
const installed = inject('installed');
/** Set to see one failure again. */
const onlySeed = Number(process.env.LOOK_SEED ?? 0);

let trees: TwoTrees | undefined;
afterEach(() => trees?.remove());

/** The paths that rsync would put, or mend; directories without their last slash. */
function otherToRsync({ source, destination }: TwoTrees): Set<string> {
  const words = ['-aHAXn', '--force', '--modify-window=-1', '--8-bit-output', '--out-format=%i %n'];
  const { stdout } = execaSync('rsync', [...words, `${source}/`, `${destination}/`]);
  const lines = stdout.split('\n').filter((line) => /^[^*]\S{10} /.test(line));
  return new Set(lines.map((line) => line.slice(12).replace(/^\.\/$|\/$/, '')));
}

/** Only root can keep owners. */
describe.skipIf(!isRoot)('after anything was changed at either side', () => {
  test('a look finds the same what rsync does, every way', async () => {
    const seeds = onlySeed > 0 ? [onlySeed] : Array.from({ length: 20 }, (_, i) => i + 1);
    const counts = { same: 0, left: 0 };
    for (const seed of seeds) {
      const random = randomNumbers(seed);
      trees = makeTwoTrees();
      const { source, destination } = trees;
      makeRandomTree(source, random);
      execaSync('rsync', ['-aHAX', `${source}/`, `${destination}/`]);
      changeTree(source, random, random(12));
      changeTree(destination, random, random(12));
      const { directories, symlinks, ...files } = await lookEveryWay({ source, destination, installed });
      const isSeveral = (path: string) => lstatSync(`${source}/${path}`).nlink > 1;
      const same = [...directories.same, ...symlinks.same, ...files.same.filter((path) => !isSeveral(path))];
      const left = [...directories.left, ...symlinks.left, ...files.left.filter((path) => !isSeveral(path))];
      const others = otherToRsync(trees);
      expect(
        same.filter((path) => others.has(path)),
        `the same? LOOK_SEED=${seed}`,
      ).toEqual([]);
      expect(
        left.filter((path) => !others.has(path)),
        `another? LOOK_SEED=${seed}`,
      ).toEqual([]);
      counts.same += same.length;
      counts.left += left.length;
      trees.remove();
    }
    if (onlySeed === 0) expect(Math.min(counts.same, counts.left)).toBeGreaterThan(100);
  });
});
