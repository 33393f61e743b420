import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Way } from '../../../../core/model/ways.ts';
import { type ContentSteps, contentSteps } from '../../../../core/storage/posix/content-steps.ts';
import { ContentCopy } from '../../../../core/storage/posix/copy-content.ts';
import { FileStatus } from '../../../../core/storage/posix/file-status.ts';
import { largeContent } from '../../../../core/storage/posix/page-cache.ts';
import { fileSystems, type Mounted, mountNew } from '../../../helpers/file-systems.ts';

const [KiB, MiB] = [1024, 1024 * 1024];
const [EXDEV, EINVAL, EIO, ETXTBSY, ENOSYS] = [-18, -22, -5, -26, -38];

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bcopy-content-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Real steps but for those given, and the names of all that were taken. */
function stepsWith(replaced: Partial<ContentSteps>) {
  const taken: string[] = [];
  const steps = Object.fromEntries(
    Object.entries({ ...contentSteps, ...replaced }).map(([name, step]) => [
      name,
      (...args: [number, number, number, number]) => {
        taken.push(name);
        return (step as (...args: number[]) => number)(...args);
      },
    ]),
  ) as ContentSteps;
  return { steps, taken };
}

type Range = readonly [from: number, to: number];

/** Copies ranges of a file, all of it when none is given, and says by which way; the destination keeps what it has. */
function copyFile(content: ContentCopy, from: string, to: string, ranges?: readonly Range[]) {
  const [source, destination] = [openSync(from, 'r'), openSync(to, 'a+')];
  closeSync(destination);
  const writable = openSync(to, 'r+');
  try {
    const [a, b] = [new FileStatus().readOpen(source, ''), new FileStatus().readOpen(writable, '')];
    return (ranges ?? [[0, a.bytes] as const]).map(([at, end]) =>
      content.copy({
        source,
        destination: writable,
        devices: [a.deviceNumber, b.deviceNumber],
        from: at,
        to: end,
        bytes: a.bytes,
        maySkipHoles: a.allocatedBytes < a.bytes,
      }),
    );
  } finally {
    closeSync(source);
    closeSync(writable);
  }
}

/** Data in the middle and at the end of a file that has holes elsewhere. */
function makeSparse(path: string, bytes: number): void {
  const fd = openSync(path, 'w');
  writeSync(fd, randomBytes(300 * KiB), 0, 300 * KiB, bytes / 2);
  writeSync(fd, randomBytes(5000), 0, 5000, bytes - 5000);
  closeSync(fd);
}

const without = (...ways: ('clone' | Exclude<Way, 'reflink'>)[]): Partial<ContentSteps> => ({
  cloneRange: () => EXDEV,
  ...Object.fromEntries(ways.map((way) => [way, () => EXDEV])),
});

describe.each([
  ['copy_file_range', without('clone')],
  ['sendfile', without('clone', 'copy_file_range')],
  ['read/write', without('clone', 'copy_file_range', 'sendfile')],
] as [Way, Partial<ContentSteps>][])('by %s', (way, replaced) => {
  const sizes = [256 * KiB + 1, 300_001, MiB, 3 * MiB + 17];

  test.each(sizes)('%d bytes arrive as they are', (bytes) => {
    const { steps } = stepsWith(replaced);
    writeFileSync(`${directory}/a`, randomBytes(bytes));
    expect(copyFile(new ContentCopy({ steps }), `${directory}/a`, `${directory}/b`)).toEqual([
      { bytes, way },
    ]);
    expect(readFileSync(`${directory}/b`).equals(readFileSync(`${directory}/a`))).toBe(true);
  });

  test('holes stay holes, in large files too', () => {
    const { steps } = stepsWith(replaced);
    const bytes = 3 * largeContent;
    makeSparse(`${directory}/a`, bytes);
    const [copied] = copyFile(new ContentCopy({ steps }), `${directory}/a`, `${directory}/b`);
    expect(copied!.way).toBe(way);
    const [source, made] = [openSync(`${directory}/a`, 'r'), openSync(`${directory}/b`, 'r')];
    expect(fstatSync(made).blocks).toBeLessThanOrEqual(fstatSync(source).blocks);
    for (const fd of [source, made]) closeSync(fd);
    expect(readFileSync(`${directory}/b`).equals(readFileSync(`${directory}/a`))).toBe(true);
  });

  test('parts that begin and end anywhere make the whole', () => {
    const { steps } = stepsWith(replaced);
    writeFileSync(`${directory}/a`, randomBytes(2 * MiB + 7));
    const cuts = [0, 1, 4097, MiB + 3, 2 * MiB + 7];
    const ranges = cuts.slice(1).map((to, i): Range => [cuts[i]!, to]);
    copyFile(new ContentCopy({ steps }), `${directory}/a`, `${directory}/b`, ranges.reverse());
    expect(readFileSync(`${directory}/b`).equals(readFileSync(`${directory}/a`))).toBe(true);
  });

  test('a source that became shorter ends where it ends', () => {
    const { steps } = stepsWith(replaced);
    writeFileSync(`${directory}/a`, randomBytes(MiB));
    const [copied] = copyFile(new ContentCopy({ steps }), `${directory}/a`, `${directory}/b`, [[0, 2 * MiB]]);
    expect(copied!.bytes).toBe(MiB);
    expect(readFileSync(`${directory}/b`).equals(readFileSync(`${directory}/a`))).toBe(true);
  });
});

describe('what was refused', () => {
  const copies = (content: ContentCopy, count: number) => {
    writeFileSync(`${directory}/a`, randomBytes(MiB));
    return Array.from({ length: count }, (_, i) => copyFile(content, `${directory}/a`, `${directory}/${i}`))
      .flat()
      .map(({ way }) => way);
  };
  const countOf = (taken: readonly string[], name: string) => taken.filter((one) => one === name).length;

  test('for good is asked for once', () => {
    const { steps, taken } = stepsWith({
      ...without('clone', 'copy_file_range'),
      sendfile: () => ENOSYS,
    });
    expect(new Set(copies(new ContentCopy({ steps }), 5))).toEqual(new Set(['read/write']));
    for (const name of ['clone', 'copy_file_range', 'sendfile']) expect(countOf(taken, name)).toBe(1);
  });

  test('between one pair of file systems is not held against another', () => {
    const { steps, taken } = stepsWith(without('clone', 'copy_file_range'));
    const content = new ContentCopy({ steps });
    writeFileSync(`${directory}/a`, randomBytes(MiB));
    const fd = openSync(`${directory}/a`, 'r');
    const out = openSync(`${directory}/b`, 'w');
    for (const devices of [
      [1, 2],
      [1, 3],
      [2, 2],
      [1, 2],
      [2, 2],
    ] as const)
      content.copy({
        source: fd,
        destination: out,
        devices,
        from: 0,
        to: MiB,
        bytes: MiB,
        maySkipHoles: false,
      });
    for (const name of ['clone', 'copy_file_range']) expect(countOf(taken, name)).toBe(3);
    for (const open of [fd, out]) closeSync(open);
  });

  test.each([
    ['as swap is', ETXTBSY, 20],
    ['for a reason that may be the file’s own', EINVAL, 8],
  ])('of a file %s is asked for again with the next', (_, errno, asked) => {
    const { steps, taken } = stepsWith({ ...without('clone'), copy_file_range: () => errno });
    expect(new Set(copies(new ContentCopy({ steps }), 20))).toEqual(new Set(['sendfile']));
    expect(countOf(taken, 'copy_file_range')).toBe(asked);
  });

  test('of some files does not add up while others succeed', () => {
    let call = 0;
    const { steps, taken } = stepsWith({
      ...without('clone'),
      copy_file_range: (...args) => (call++ % 2 === 0 ? EINVAL : contentSteps.copy_file_range(...args)),
    });
    copies(new ContentCopy({ steps }), 30);
    expect(countOf(taken, 'copy_file_range')).toBe(30);
  });

  test('in the middle of a file is done another way from there on', () => {
    let call = 0;
    const { steps } = stepsWith({
      ...without('clone'),
      copy_file_range: (source, destination, at) =>
        call++ === 0 ? contentSteps.copy_file_range(source, destination, at, 70_001) : EXDEV,
    });
    expect(copies(new ContentCopy({ steps }), 1)).toEqual(['sendfile']);
    expect(readFileSync(`${directory}/0`).equals(readFileSync(`${directory}/a`))).toBe(true);
  });

  test('by saying that there is nothing to copy is done another way', () => {
    const { steps } = stepsWith({ ...without('clone'), copy_file_range: () => 0, sendfile: () => 0 });
    expect(copies(new ContentCopy({ steps }), 2)).toEqual(['read/write', 'read/write']);
    expect(readFileSync(`${directory}/1`).equals(readFileSync(`${directory}/a`))).toBe(true);
  });

  test('is no refusal when the disk is at fault', () => {
    const { steps } = stepsWith({ ...without('clone'), copy_file_range: () => EIO });
    expect(() => copies(new ContentCopy({ steps }), 1)).toThrow('copy: EIO');
  });

  test('by a clone, for whatever reason, is copied', () => {
    const { steps } = stepsWith({ clone: () => EIO });
    expect(copies(new ContentCopy({ steps }), 1)).toEqual(['copy_file_range']);
  });
});

/** The best way within each file system, for a file above the buffer's size. */
const best = {
  ext4: 'copy_file_range',
  xfs: 'reflink',
  btrfs: 'reflink',
  tmpfs: 'copy_file_range',
  ramfs: 'copy_file_range',
} as const satisfies Record<(typeof fileSystems)[number], Way>;

describe.each(fileSystems)('on %s', (kind) => {
  let mounted: Mounted | string;
  beforeAll(async () => {
    mounted = await mountNew(kind);
  });
  afterAll(async () => {
    if (typeof mounted !== 'string') await mounted.unmount();
  });
  let [a, b] = ['', ''];
  beforeEach(({ skip }) => {
    if (typeof mounted === 'string') return skip(mounted);
    [a, b] = [`${mounted.path}/a`, `${mounted.path}/b`];
    for (const path of [a, b]) rmSync(path, { force: true });
  });

  const sharesBlocks = best[kind] === 'reflink';

  test.each([1, 4096, 4097, 64 * KiB, 256 * KiB - 1, 256 * KiB, 256 * KiB + 1, 5 * MiB + 3])(
    'a file of %d bytes goes the best way',
    (bytes) => {
      writeFileSync(a, randomBytes(bytes));
      const small = bytes <= 256 * KiB ? 'read/write' : best[kind];
      const way = sharesBlocks && bytes > 4096 ? 'reflink' : small;
      expect(copyFile(new ContentCopy(), a, b)).toEqual([{ bytes, way }]);
      expect(readFileSync(b).equals(readFileSync(a))).toBe(true);
    },
  );

  test('parts go the best way, and those that do not fit its blocks another', () => {
    writeFileSync(a, randomBytes(5 * MiB + 3));
    const content = new ContentCopy();
    const ranges: Range[] = [
      [3 * MiB, 5 * MiB + 3],
      [0, MiB],
      [MiB, 2 * MiB + 1],
      [2 * MiB + 1, 3 * MiB],
    ];
    const other = 'copy_file_range';
    expect(copyFile(content, a, b, ranges).map(({ way }) => way)).toEqual([
      best[kind],
      best[kind],
      other,
      other,
    ]);
    expect(readFileSync(b).equals(readFileSync(a))).toBe(true);
    const again = copyFile(content, a, b, [[0, MiB]]);
    expect(again).toEqual([{ bytes: MiB, way: best[kind] }]);
  });

  test('the last part is whole though the copy was longer once', () => {
    writeFileSync(a, randomBytes(2 * MiB + 3));
    writeFileSync(b, randomBytes(3 * MiB));
    copyFile(new ContentCopy(), a, b, [
      [MiB, 2 * MiB + 3],
      [0, MiB],
    ]);
    truncateSync(b, 2 * MiB + 3);
    expect(readFileSync(b).equals(readFileSync(a))).toBe(true);
  });

  test('holes stay holes', ({ skip }) => {
    if (kind === 'ramfs') skip('ramfs tells of no holes');
    makeSparse(a, 8 * MiB);
    const [copied] = copyFile(new ContentCopy(), a, b);
    expect(copied!.way).toBe(best[kind]);
    const [source, made] = [openSync(a, 'r'), openSync(b, 'r')];
    expect(fstatSync(made).blocks).toBeLessThanOrEqual(fstatSync(source).blocks);
    for (const fd of [source, made]) closeSync(fd);
    expect(readFileSync(b).equals(readFileSync(a))).toBe(true);
  });

  test('from another file system the kernel sends what is too large for the buffer', () => {
    writeFileSync(`${directory}/a`, randomBytes(MiB));
    const content = new ContentCopy();
    expect(copyFile(content, `${directory}/a`, b)).toEqual([
      { bytes: MiB, way: expect.stringMatching(/^(sendfile|copy_file_range)$/) },
    ]);
    expect(readFileSync(b).equals(readFileSync(`${directory}/a`))).toBe(true);
    writeFileSync(a, randomBytes(MiB));
    expect(copyFile(content, a, b)).toEqual([{ bytes: MiB, way: best[kind] }]);
    expect(readFileSync(b).equals(readFileSync(a))).toBe(true);
  });
});

test('ways are counted when they are told to be, and told once', () => {
  const content = new ContentCopy();
  for (const way of ['sendfile', undefined, 'sendfile', 'reflink'] as const) content.count(way);
  expect(content.takeWays()).toEqual(
    new Map([
      ['sendfile', 2],
      ['reflink', 1],
    ]),
  );
  expect(content.takeWays()).toEqual(new Map());
});
