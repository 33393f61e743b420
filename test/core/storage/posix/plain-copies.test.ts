import { chmodSync, linkSync, mkdirSync, renameSync, statSync, unlinkSync, utimesSync } from 'node:fs';
import { execaSync } from 'execa';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { wordsPerHeader } from '../../../../core/model/plain-runs.ts';
import { me } from '../../../../core/storage/posix/ownership.ts';
import type { GroupOutcome } from '../../../../core/storage/storage.ts';
import { setAcl, setAttribute } from '../../../helpers/attributes.ts';
import type { LookFound, LookRequest } from '../../../helpers/look-at-trees.ts';
import type { LookWork } from '../../../helpers/look-child.ts';
import { lookEveryWay } from '../../../helpers/look-every-way.ts';
import { high, low, murmur } from '../../../helpers/murmur.ts';
import {
  copyFiles,
  filesIn,
  hasAcl,
  justNow,
  plainOf,
  remembersCopies,
  runsIn,
} from '../../../helpers/plain-copies.ts';
import { buildChild, buildStorageProgram, ordinaryUser } from '../../../helpers/storage-as-user.ts';
import {
  groupFor,
  makeTwoTrees,
  requestFor,
  scanned,
  type TwoTrees,
} from '../../../helpers/storage-trees.ts';
import { makeTree } from '../../../helpers/tree.ts';

const installed = inject('installed');

let trees: TwoTrees;
// Where all was skipped there are none
afterEach(() => trees?.remove());

const at = (name: string) => `${trees.destination}/${name}`;
const from = (name: string) => `${trees.source}/${name}`;
const both = () => ({ source: trees.source, destination: trees.destination });
const sorted = (names: readonly string[]) => [...names].sort();
const look = (request: Partial<LookRequest> = {}) =>
  lookEveryWay({ ...both(), installed, options: justNow(), ...request });

describe('copies', () => {
  beforeEach(({ skip }) => {
    trees = makeTwoTrees();
    chmodSync(trees.top, 0o755);
    if (!remembersCopies) skip('nothing is remembered of copies before Linux 6.13');
  });

  test('are only remembered where neither side has attributes, whatever is to be kept', async () => {
    await makeTree(trees.source, { d: filesIn(30), acl: filesIn(5) });
    for (const name of ['d/3', 'd/4']) setAttribute(from(name), 'user.a', '1');
    for (const name of ['d/5', 'd/6']) setAcl(from(name), '-m', 'u:1234:r');
    mkdirSync(at('acl'));
    setAcl(at('acl'), '-d', '-m', 'u:1234:r');
    for (const keep of [
      ['mode', 'owner', 'times'],
      ['mode', 'times', 'xattr'],
      ['times', 'acl'],
    ] as const) {
      for (const name of ['d', 'acl/0', 'acl/1', 'acl/2', 'acl/3', 'acl/4'])
        execaSync('rm', ['-rf', at(name)]);
      const plainCopies = copyFiles(trees, { fidelity: { keep, require: [], symlinks: 'copy' } });
      expect(runsIn(plainCopies), keep.join()).toContain(26);
      const { left } = await look({
        plainCopies,
        options: { ...justNow(), keepsMode: false, keepsOwner: false },
      });
      // What was not to be kept is to be from now on
      const missing = keep.some((word) => word === 'xattr') ? [] : [3, 4];
      if (!keep.some((word) => word === 'acl')) missing.push(5, 6);
      const without = missing.map((i) => `d/${i}`);
      const given = Array.from({ length: 5 }, (_, i) => `acl/${i}`).filter((path) => hasAcl(at(path)));
      expect(left, keep.join()).toEqual(expect.arrayContaining([...without, ...given]));
      expect(sorted(left.filter((path) => path.startsWith('d/')))).toEqual(without);
    }
  });

  test('with attributes of their own are not remembered', async () => {
    await makeTree(trees.source, filesIn(10));
    for (let i = 0; i < 5; i++) setAttribute(from(`${i}`), 'user.a', '1');
    const plainCopies = copyFiles(trees);
    expect(runsIn(plainCopies)).toEqual([5]);
    expect((await look({ plainCopies })).left).toEqual([]);
    setAttribute(at('1'), 'user.a', '2');
    setAttribute(from('2'), 'user.b', '1');
    execaSync('setfattr', ['-x', 'user.a', at('3')]);
    expect(sorted((await look({ plainCopies })).left)).toEqual(['1', '2', '3']);
  });

  test('of files with several names are asked, and so is what gets another name later', async () => {
    await makeTree(trees.source, filesIn(10));
    linkSync(from('0'), `${trees.top}/further`);
    linkSync(from('1'), `${trees.top}/outside`);
    const plainCopies = copyFiles(trees);
    expect(runsIn(plainCopies)).toEqual([8]);
    for (const [name, side] of [
      ['2', from],
      ['3', at],
    ] as const) {
      linkSync(side(name), `${trees.top}/new-${name}`);
      setAttribute(`${trees.top}/new-${name}`, 'user.a', '1');
    }
    setAttribute(at('0'), 'user.a', '1');
    setAttribute(`${trees.top}/outside`, 'user.a', '1');
    // A name of a file that is known is not yet that file
    unlinkSync(at('4'));
    linkSync(at('5'), at('4'));
    setAttribute(at('5'), 'user.a', '1');
    expect(sorted((await look({ plainCopies })).left)).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  test('are not known any more when names were exchanged', async () => {
    await makeTree(trees.source, filesIn(6));
    const plainCopies = copyFiles(trees);
    const time = new Date(1e12);
    for (const side of [from, at]) for (let i = 0; i < 6; i++) utimesSync(side(`${i}`), time, time);
    setAttribute(at('1'), 'user.a', '1');
    for (const [old, name] of [
      ['0', 'x'],
      ['1', '0'],
      ['x', '1'],
    ] as const)
      renameSync(at(old), at(name));
    expect((await look({ plainCopies })).left).toEqual(['0']);
  });

  test('are believed of the copies of one user, with the same rights, only', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('only root can become another user, and lose rights');
    const [storage, looker] = [
      await buildStorageProgram(),
      await buildChild<LookWork, LookFound>('look-child'),
    ];
    const without = ['setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin'];
    const asked = async (under: readonly string[], uid: number, plainCopies: Uint8Array) => {
      const request = { ...both(), options: justNow(), plainCopies };
      return (await looker.run({ request }, under, uid)).plain.length > 0;
    };
    const users = [
      [[], 0],
      [without, 0],
      [[], ordinaryUser],
    ] as const;
    try {
      for (const [i, [under, uid]] of users.entries()) {
        trees.remove();
        trees = makeTwoTrees();
        chmodSync(trees.top, 0o755);
        await makeTree(trees.source, filesIn(20));
        setAttribute(from('3'), 'trusted.a', '1');
        execaSync('chown', ['-R', `${ordinaryUser}:${ordinaryUser}`, trees.top]);
        const calls = [['copyGroup', groupFor(scanned(trees.source))]] as const;
        const [outcome] = await storage.run({ request: requestFor(trees), calls }, under, uid);
        const plainCopies = plainOf(outcome as GroupOutcome);
        // Others do not see it
        expect(runsIn(plainCopies)).toEqual([i === 0 ? 19 : 20]);
        expect((await look({ plainCopies })).left).toEqual(i === 0 ? [] : ['3']);
        const answers: boolean[] = [];
        for (const [other, otherUid] of users) answers.push(await asked(other, otherUid, plainCopies));
        // Where all is known a group is
        expect(answers).toEqual(users.map((_, other) => other === i && i !== 0));
      }
    } finally {
      storage.remove();
      looker.remove();
    }
  });

  test('are not remembered where symlinks are followed', async () => {
    await makeTree(trees.source, filesIn(10));
    const fidelity = { keep: ['times', 'xattr'], require: [], symlinks: 'follow' } as const;
    expect(runsIn(copyFiles(trees, { fidelity }))).toEqual([]);
  });

  test('are remembered by digests that whoever knows the format can compute', async () => {
    await makeTree(trees.source, { d: filesIn(3) });
    const words = new Uint32Array(copyFiles(trees).slice().buffer);
    const [device, directory] = [
      (path: string) => statSync(path).dev,
      statSync(at('d'), { bigint: true }).ino,
    ];
    const pair = (value: bigint) => [Number(value & 0xffffffffn), Number(value >> 32n)];
    const changeOf = (path: string) => {
      const { ino, ctimeNs } = statSync(path, { bigint: true });
      return [...pair(ino), ...pair(ctimeNs / 1_000_000_000n), Number(ctimeNs % 1_000_000_000n)];
    };
    const place = [from('d'), at('d')].map((path) => packed(device(path)));
    const asker = [me.uid, Number(me.seesTrusted)];
    const expected = ['0', '1', '2'].map((name) => {
      const sides = [...changeOf(from(`d/${name}`)), ...changeOf(at(`d/${name}`))];
      const bytes = Buffer.from(Uint32Array.from([...place, ...asker, ...sides]).buffer);
      return [murmur(bytes, 0, low), murmur(bytes, 0, high)].join();
    });
    expect([...words.subarray(0, wordsPerHeader)]).toEqual([0x69616c70, ...pair(directory), 3]);
    const found = [0, 1, 2].map((i) => [...words.subarray(4 + 2 * i, 6 + 2 * i)].join());
    expect(sorted(found)).toEqual(sorted(expected));
  });

  /** As makedev(3) packs it, with 12 bits for the major number and 20 for the minor one. */
  const packed = (device: number) =>
    ((((device >> 8) & 0xfff) << 20) | (device & 0xff) | ((device >> 12) & 0xfff00)) >>> 0;

  test('may be anything: they are believed only of these very files', async () => {
    await makeTree(trees.source, filesIn(20));
    copyFiles(trees);
    setAttribute(at('3'), 'user.a', '1');
    for (const plainCopies of [Buffer.alloc(16_000), Buffer.alloc(16_000, 0xff), Buffer.from('short')])
      expect((await look({ plainCopies })).left).toEqual(['3']);
  });
});
