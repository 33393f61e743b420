import { describe, expect, test } from 'vitest';
import type { Entry } from '../../core/model/entry.ts';
import { groupOfOne, groupsOf } from '../../workers/groups.ts';
import { randomNumbers } from '../helpers/random.ts';
import { placed } from '../helpers/storage-trees.ts';

const MiB = 2 ** 20;
const files = (count: number, bytes = 1): Entry[] =>
  Array.from({ length: count }, (_, i) => ({ kind: 'file', name: `f${i}`, bytes }));
const spans = (groups: Iterable<{ from: number; to: number }>) =>
  [...groups].map(({ from, to }) => [from, to]);
const nothing = () => false;
const size = () => 256;

describe('groups of entries', () => {
  test('are full with 256 entries', () => {
    expect(spans(groupsOf(placed(files(600)), nothing, size))).toEqual([
      [0, 256],
      [256, 512],
      [512, 600],
    ]);
  });

  test('are full with 64 MiB', () => {
    expect(spans(groupsOf(placed(files(5, 40 * MiB)), nothing, size))).toEqual([
      [0, 2],
      [2, 4],
      [4, 5],
    ]);
    expect(spans(groupsOf(placed(files(3, 2 ** 40)), nothing, size))).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  test('have the size that is wanted when they begin', () => {
    const sizes = [4, 3, 1];
    expect(spans(groupsOf(placed(files(8)), nothing, () => sizes.shift()!))).toEqual([
      [0, 4],
      [4, 7],
      [7, 8],
    ]);
  });

  test('end where a directory begins once they are half full', () => {
    const directory = (path: string): Entry => ({ kind: 'directory', path });
    const entries = [directory('a'), ...files(4), directory('b'), ...files(2), directory('c'), ...files(3)];
    expect(spans(groupsOf(placed(entries), nothing, () => 10))).toEqual([
      [0, 5],
      [5, 12],
    ]);
  });

  test('end before what is settled, and begin after it', () => {
    const settled = new Set([0, 3, 4, 9]);
    expect(spans(groupsOf(placed(files(10)), ({ ordinal }) => settled.has(ordinal), size))).toEqual([
      [1, 3],
      [5, 9],
    ]);
  });

  test('are none where all is settled or nothing is given', () => {
    expect(spans(groupsOf(placed(files(10)), () => true, size))).toEqual([]);
    expect(spans(groupsOf([], nothing, size))).toEqual([]);
  });

  test('have a batch for each directory, with all that the engine needs', () => {
    const entries: Entry[] = [
      { kind: 'directory', path: '' },
      { kind: 'file', name: 'a', bytes: 5 },
      { kind: 'link', name: 'b', first: 1 },
      { kind: 'directory', path: 'd' },
      { kind: 'directory', path: 'd/e' },
      { kind: 'symlink', name: 's' },
      { kind: 'special', name: 'p' },
      { kind: 'unreadable', name: 'u', errno: 'EACCES' },
    ];
    const [group] = groupsOf(placed(entries), nothing, size);
    expect(group!.batches).toEqual([
      { directory: '', ordinal: 0, kinds: 'dfl', names: ['', 'a', 'b'], bytes: [0, 5, 0], errnos: new Map() },
      { directory: 'd', ordinal: 3, kinds: 'd', names: [''], bytes: [0], errnos: new Map() },
      {
        directory: 'd/e',
        ordinal: 4,
        kinds: 'dspx',
        names: ['', 's', 'p', 'u'],
        bytes: [0, 0, 0, 0],
        errnos: new Map([[3, 'EACCES']]),
      },
    ]);
  });

  test('hold every entry that is not settled, once and in order', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = randomNumbers(seed);
      const entries = Array.from(
        { length: random(1500) },
        (_, i): Entry =>
          random(9) === 0
            ? { kind: 'directory', path: `d${i}` }
            : { kind: 'file', name: `${i}`, bytes: random(MiB) },
      );
      const settled = new Set<number>();
      for (let i = 0; i < entries.length; i++) if (random(20) === 0) settled.add(i);
      const found: number[] = [];
      for (const { from, to, batches } of groupsOf(
        placed(entries),
        ({ ordinal }) => settled.has(ordinal),
        size,
      )) {
        let next = from;
        for (const batch of batches) {
          expect(batch.ordinal).toBe(next);
          expect([batch.names.length, batch.bytes.length]).toEqual([batch.kinds.length, batch.kinds.length]);
          next += batch.kinds.length;
        }
        expect(next).toBe(to);
        for (let i = from; i < to; i++) found.push(i);
      }
      expect(found).toEqual(entries.map((_, i) => i).filter((i) => !settled.has(i)));
    }
  });
});

describe('a group of one', () => {
  const entries: Entry[] = [
    { kind: 'directory', path: 'd' },
    { kind: 'file', name: 'a', bytes: 5 },
    { kind: 'directory', path: 'e' },
    { kind: 'symlink', name: 's' },
    { kind: 'unreadable', name: 'u', errno: 'EACCES' },
  ];
  const [group] = groupsOf(placed(entries), nothing, size);

  test.each([
    [1, { directory: 'd', ordinal: 1, kinds: 'f', names: ['a'], bytes: [5], errnos: new Map() }],
    [3, { directory: 'e', ordinal: 3, kinds: 's', names: ['s'], bytes: [0], errnos: new Map() }],
    [
      4,
      { directory: 'e', ordinal: 4, kinds: 'x', names: ['u'], bytes: [0], errnos: new Map([[0, 'EACCES']]) },
    ],
  ])('is entry %d with all that was known of it', (ordinal, batch) => {
    expect(groupOfOne(group!, ordinal)).toEqual({ from: ordinal, to: ordinal + 1, batches: [batch] });
  });
});
