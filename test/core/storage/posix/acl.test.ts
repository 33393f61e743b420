import { describe, expect, test } from 'vitest';
import { modeWithoutAcl } from '../../../../core/storage/posix/acl.ts';

const tags = { u: 0x01, user: 0x02, g: 0x04, group: 0x08, mask: 0x10, o: 0x20 };
type Entry = readonly [tag: keyof typeof tags, permissions: number, id?: number];

function blobOf(entries: readonly Entry[], version = 2): Uint8Array {
  const bytes = Buffer.alloc(4 + 8 * entries.length);
  bytes.writeUInt32LE(version, 0);
  entries.forEach(([tag, permissions, id = 0xffffffff], i) => {
    bytes.writeUInt16LE(tags[tag], 4 + 8 * i);
    bytes.writeUInt16LE(permissions, 6 + 8 * i);
    bytes.writeUInt32LE(id, 8 + 8 * i);
  });
  return bytes;
}

describe('the mode of a file whose ACL is lost', () => {
  test.each<[string, number, Entry[], number]>([
    [
      'has the group bits of the owning group',
      0o670,
      [
        ['u', 6],
        ['user', 7, 1234],
        ['g', 4],
        ['mask', 7],
        ['o', 0],
      ],
      0o640,
    ],
    [
      'gives the group no more than the mask',
      0o640,
      [
        ['u', 6],
        ['user', 7, 1234],
        ['g', 7],
        ['mask', 4],
        ['o', 0],
      ],
      0o640,
    ],
    [
      'gives a named user no more as one of the others',
      0o675,
      [
        ['u', 6],
        ['user', 4, 1234],
        ['g', 4],
        ['mask', 7],
        ['o', 5],
      ],
      0o644,
    ],
    [
      'gives a named user no more as one of the group',
      0o670,
      [
        ['u', 6],
        ['user', 0, 1234],
        ['g', 7],
        ['mask', 7],
        ['o', 0],
      ],
      0o600,
    ],
    [
      'gives a named group no more as others',
      0o675,
      [
        ['u', 6],
        ['g', 7],
        ['group', 0, 1234],
        ['mask', 7],
        ['o', 5],
      ],
      0o670,
    ],
    [
      'keeps setuid, setgid and sticky',
      0o7777,
      [
        ['u', 7],
        ['g', 5],
        ['mask', 7],
        ['o', 7],
      ],
      0o7757,
    ],
  ])('%s', (_, mode, entries, expected) => {
    expect(modeWithoutAcl(mode, blobOf(entries)).toString(8)).toBe(expected.toString(8));
  });

  test("is the owner's alone when the ACL is not understood", () => {
    expect(modeWithoutAcl(0o4777, blobOf([['g', 7]], 3))).toBe(0o4700);
    expect(modeWithoutAcl(0o777, new Uint8Array(2))).toBe(0o700);
  });
});
