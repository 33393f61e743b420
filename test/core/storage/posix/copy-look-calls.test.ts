import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { execa, execaSync } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAtLeast } from '../../../../core/storage/posix/told-changes.ts';
import type { GroupOutcome } from '../../../../core/storage/storage.ts';
import { groupsOf } from '../../../../workers/groups.ts';
import { setAttribute } from '../../../helpers/attributes.ts';
import type { LookFound, LookRequest } from '../../../helpers/look-at-trees.ts';
import type { LookWork } from '../../../helpers/look-child.ts';
import {
  buildChild,
  buildStorageProgram,
  ordinaryUser,
  type StorageProgram,
} from '../../../helpers/storage-as-user.ts';
import { makeTwoTrees, requestFor, scanned, type TwoTrees } from '../../../helpers/storage-trees.ts';
import { makeTree } from '../../../helpers/tree.ts';

let trees: TwoTrees;
// Where all was skipped there are none
afterEach(() => trees && execa('rm', ['-rf', trees.top]));

const at = (name: string) => `${trees.destination}/${name}`;
const from = (name: string) => `${trees.source}/${name}`;
/** Copies all, times and attributes too. */
const copyAll = () => execaSync('cp', ['-a', '--preserve=all', `${trees.source}/.`, trees.destination]);
const both = () => ({ source: trees.source, destination: trees.destination });
const sorted = (names: readonly string[]) => [...names].sort();

describe('system calls of a look', () => {
  beforeEach(({ skip }) => {
    if (execaSync('strace', ['-c', '-f', 'true'], { reject: false }).failed)
      skip('strace is not installed here, or may not trace');
    trees = makeTwoTrees();
    chmodSync(trees.top, 0o755);
  });
  const listxattrat = 465;
  const refusals = [
    ['ENOSYS', 38],
    ['EPERM', 1],
  ] as const;
  const asking = ['llistxattr', 'listxattrat', 'syscall_0x1d1'];

  /** How often each side is looked at, and asked, for each file, by a look at 100 and one at 300 files. */
  async function callsPerFile(
    way: NonNullable<LookRequest['ways']>,
    known: 'nothing' | 'looked' | 'copied',
    refused?: LookWork['refused'],
  ) {
    const program = await buildChild<LookWork, LookFound>('look-child');
    const copier = await buildStorageProgram();
    const counts: { asked: number; looked: number }[] = [];
    try {
      for (const files of [100, 300]) {
        const of = (side: string) => `${trees.top}/${files}/${side}`;
        for (const side of ['source', 'destination']) mkdirSync(of(side), { recursive: true });
        for (let i = 0; i < files; i++) writeFileSync(`${of('source')}/${i}`, 'x');
        if (known !== 'copied') execaSync('cp', ['-a', `${of('source')}/.`, of('destination')]);
        execaSync('chown', ['-R', `${ordinaryUser}:${ordinaryUser}`, `${trees.top}/${files}`]);
        const request = { source: of('source'), destination: of('destination'), ways: way };
        const kept = {
          nothing: () => ({}),
          looked: async () => ({ plain: (await program.run({ request })).plain }),
          copied: async () => ({ plainCopies: await copyAsWorker(copier, of('source'), of('destination')) }),
        };
        const earlier = await kept[known]();
        const log = `${trees.top}/calls`;
        const work = {
          request: { ...request, ...earlier },
          ...(refused ? { refused } : {}),
        };
        const { same } = await program.run(work, ['strace', '-f', '-qq', '-o', log]);
        expect(same).toHaveLength(files);
        counts.push(countsIn(readFileSync(log, 'utf8')));
      }
    } finally {
      program.remove();
      copier.remove();
    }
    const each = (name: 'asked' | 'looked') => Math.round((counts[1]![name] - counts[0]![name]) / 20) / 10;
    return { asked: each('asked'), looked: each('looked') };
  }

  /** As a worker does; returns what it remembers. */
  async function copyAsWorker(
    copier: StorageProgram,
    source: string,
    destination: string,
  ): Promise<Uint8Array> {
    const groups = [
      ...groupsOf(
        scanned(source),
        () => false,
        () => Number.POSITIVE_INFINITY,
      ),
    ];
    const calls = groups.map((group) => ['copyGroup', group] as const);
    const outcomes = await copier.run({ request: requestFor({ source, destination }), calls });
    return Buffer.concat((outcomes as GroupOutcome[]).map(({ plain }) => plain ?? new Uint8Array()));
  }

  function countsIn(log: string): { asked: number; looked: number } {
    const names = [...log.matchAll(/^\d+ +(\w+)\(/gm)].map(([, name]) => name!);
    const asked = names.filter((name) => asking.includes(name)).length;
    return { asked, looked: names.filter((name) => name === 'statx').length };
  }

  test.each([
    ['one call after the other', { threads: 0, isSlow: false }],
    ['many at once', { threads: 0, isSlow: true }],
  ])('are two for each file, and two more where nothing is remembered: %s', async (_, way) => {
    expect(await callsPerFile(way, 'nothing')).toEqual({ asked: 2, looked: 2 });
    expect(await callsPerFile(way, 'looked')).toEqual({ asked: 0, looked: 2 });
    const asked = isAtLeast(release(), 6, 13) ? 0 : 2;
    expect(await callsPerFile(way, 'copied')).toEqual({ asked, looked: 2 });
  });

  test.each(refusals)(
    'are as many where the kernel has no call to list attributes in an open directory: %s',
    async (_, errno) => {
      const refused = [listxattrat, errno] as const;
      expect(await callsPerFile({ threads: 0, isSlow: false }, 'nothing', refused)).toEqual({
        asked: 2,
        looked: 2,
      });
    },
  );

  test.each(refusals)('find attributes in such a kernel too: %s', async (_, errno) => {
    await makeTree(trees.source, {
      plain: 'x',
      ['n'.repeat(255)]: 'x',
      d: { ['ü'.repeat(127)]: 'x', other: 'x' },
    });
    copyAll();
    setAttribute(at('n'.repeat(255)), 'user.a', 'b');
    setAttribute(from(`d/${'ü'.repeat(127)}`), 'user.a', 'b');
    execaSync('chown', ['-R', `${ordinaryUser}:${ordinaryUser}`, trees.top]);
    const program = await buildChild<LookWork, LookFound>('look-child');
    const { same } = await program.run({ request: both(), refused: [listxattrat, errno] });
    program.remove();
    expect(sorted(same)).toEqual(['d/other', 'plain']);
  });
});
