import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { execa, execaSync } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { digestBytes } from '../../../../core/model/digest-set.ts';
import { setAcl, setAttribute } from '../../../helpers/attributes.ts';
import { fileSystems, type Mounted, mountNew } from '../../../helpers/file-systems.ts';
import { type LookFound, type LookRequest, lookAtTrees } from '../../../helpers/look-at-trees.ts';
import { lookEveryWay, lookWays } from '../../../helpers/look-every-way.ts';
import { makeTwoTrees, type TwoTrees } from '../../../helpers/storage-trees.ts';
import { makeTree } from '../../../helpers/tree.ts';

const installed = inject('installed');

let trees: TwoTrees;
// Where all was skipped there are none
afterEach(() => trees && execa('rm', ['-rf', trees.top]));

const at = (name: string) => `${trees.destination}/${name}`;
const from = (name: string) => `${trees.source}/${name}`;
/** Copies all, times and attributes too. */
const copyAll = () => execaSync('cp', ['-a', '--preserve=all', `${trees.source}/.`, trees.destination]);
const both = () => ({ source: trees.source, destination: trees.destination });
const sorted = (names: readonly string[]) => [...names].sort();
const look = (request: Partial<LookRequest> = {}) => lookEveryWay({ ...both(), installed, ...request });
const digestsIn = ({ plain }: LookFound) => plain.length / digestBytes;

describe.each(fileSystems.filter((kind) => kind !== 'ramfs'))('what is remembered on %s', (kind) => {
  let mounted: Mounted | string;
  beforeAll(async () => {
    mounted = await mountNew(kind);
  });
  afterAll(async () => {
    if (typeof mounted !== 'string') await mounted.unmount();
  });
  beforeEach(({ skip }) => {
    if (typeof mounted === 'string') skip(mounted);
    trees = makeTwoTrees((mounted as Mounted).path);
  });

  test('an attribute set, changed, or taken away later is found', async () => {
    const { plain: none } = await remembered(40);
    const tells = kind !== 'tmpfs';
    expect(none.length > 0).toBe(tells);
    expect((await look({ plain: none })).left).toEqual([]);
    setAttribute(at('d/7'), 'user.a', '1');
    setAttribute(from('d/8'), 'user.a', '1');
    setAcl(at('d/9'), '-m', 'u:1234:r');
    const found = await look({ plain: none });
    expect(sorted(found.left)).toEqual(['d/7', 'd/8', 'd/9']);
    // What has attributes is never remembered
    expect(sorted((await look({ plain: Buffer.concat([none, found.plain]) })).left)).toEqual([
      'd/7',
      'd/8',
      'd/9',
    ]);
    for (const name of [at('d/7'), from('d/8')]) execaSync('setfattr', ['-x', 'user.a', name]);
    setAcl(at('d/9'), '-b');
    expect((await look({ plain: none })).left).toEqual([]);
    setAttribute(at('d/7'), 'user.a', '1');
    expect((await look({ plain: Buffer.concat([none, found.plain]) })).left).toEqual(['d/7']);
  });
});

/** Makes and copies so many files, and looks at them once. */
async function remembered(files: number): Promise<LookFound> {
  await makeTree(trees.source, {
    d: Object.fromEntries(Array.from({ length: files }, (_, i) => [`${i}`, 'x'])),
  });
  copyAll();
  const found = await look();
  expect(found.left).toEqual([]);
  return found;
}

describe('what is remembered', () => {
  beforeEach(() => {
    trees = makeTwoTrees();
  });

  test('is nothing of what was changed too late to be sure of', async () => {
    await remembered(20);
    const changed = Math.floor(statSync(from('d/0')).ctimeMs / 1000);
    expect(digestsIn(await look({ options: { settledBefore: changed } }))).toBe(0);
    // A clock that was ahead: ctimes in the future
    expect(digestsIn(await look({ options: { settledBefore: 1000 } }))).toBe(0);
    expect(digestsIn(await look({ options: { settledBefore: changed + 60 } }))).toBeGreaterThan(0);
  });

  test('is known again every way, and goes on from one look to the next', async () => {
    const { plain } = await manyRemembered();
    const known = new Set(digestsOf(plain));
    for (const way of lookWays) {
      const again = await lookAtTrees({ ...both(), installed, ways: way, plain });
      // Where a stretch ends a group may be in two pieces
      expect(digestsOf(again.plain).filter((digest) => known.has(digest)).length).toBeGreaterThan(0);
    }
  });

  test('of one directory is partly known where a name has come to it', async () => {
    const { plain } = await manyRemembered();
    writeFileSync(from('d/new'), 'x');
    const known = new Set(digestsOf(plain));
    const after = digestsOf((await lookAtTrees({ ...both(), plain })).plain);
    // Where it is, and where stretches end, groups are others now
    expect(after.filter((digest) => known.has(digest)).length).toBeGreaterThan(0);
  });

  /** In one directory, so many that there are some groups. */
  async function manyRemembered(): Promise<LookFound> {
    mkdirSync(from('d'));
    for (let i = 0; i < 8000; i++) writeFileSync(from(`d/${i}`), 'x');
    copyAll();
    const found = await lookAtTrees(both());
    expect(found.left).toEqual([]);
    return found;
  }

  test('may be anything: it is believed only of these very files', async () => {
    await remembered(20);
    setAttribute(at('d/3'), 'user.a', '1');
    for (const plain of [Buffer.alloc(16_000), Buffer.alloc(16_000, 0xff), Buffer.from('short')])
      expect((await look({ plain })).left).toEqual(['d/3']);
  });

  test('says nothing of a file that has taken the place, and the inode number, of another', async () => {
    const { plain } = await remembered(20);
    for (let i = 0; i < 20; i++) {
      execaSync('sh', ['-c', 'rm "$0" && cp --preserve=timestamps "$1" "$0"', at(`d/${i}`), from(`d/${i}`)]);
      setAttribute(at(`d/${i}`), 'user.a', '1');
    }
    expect((await look({ plain })).same).toEqual([]);
  });
});

const digestsOf = (plain: Uint8Array) =>
  Array.from({ length: plain.length / digestBytes }, (_, i) =>
    Buffer.from(plain.subarray(i * digestBytes, (i + 1) * digestBytes)).toString('hex'),
  );
