import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { prepareDigests } from '../../../../core/storage/posix/content-digest.ts';
import { type ContentSteps, contentSteps } from '../../../../core/storage/posix/content-steps.ts';
import { ContentCopy } from '../../../../core/storage/posix/copy-content.ts';
import { FileStatus } from '../../../../core/storage/posix/file-status.ts';
import { hashContent } from '../../../../core/storage/posix/hash-content.ts';
import { heedStop, newStopFlag, raiseStop } from '../../../../core/storage/posix/stop-flag.ts';
import { fileSystems, type Mounted, mountNew } from '../../../helpers/file-systems.ts';

const [KiB, MiB] = [1024, 1024 * 1024];
beforeAll(prepareDigests);

/** Copies `[from, to)`, all of the file when nothing is said, and says what came of it. */
function copyHashed(content: ContentCopy, from: string, to: string, range?: readonly [number, number]) {
  const source = openSync(from, 'r');
  const destination = openSync(to, 'a+');
  closeSync(destination);
  const writable = openSync(to, 'r+');
  const [a, b] = [new FileStatus().readOpen(source, ''), new FileStatus().readOpen(writable, '')];
  const [start, end] = range ?? [0, a.bytes];
  const copied = content.copy({
    source,
    destination: writable,
    devices: [a.deviceNumber, b.deviceNumber],
    from: start,
    to: end,
    bytes: a.bytes,
    maySkipHoles: a.allocatedBytes < a.bytes,
  });
  if (range === undefined) ftruncateSync(writable, a.bytes);
  for (const fd of [source, writable]) closeSync(fd);
  return copied;
}

/** As those do who compare: with holes and without, from the disk and not. */
function digestsOf(path: string, range?: readonly [number, number]): Set<string | undefined> {
  const fd = openSync(path, 'r+');
  const [from, to] = range ?? [0, fstatSync(fd).size];
  const ways = [false, true].flatMap((maySkipHoles) =>
    [false, true].map((isFresh) => hashContent(fd, { from, to, maySkipHoles, isFresh })),
  );
  closeSync(fd);
  return new Set(ways);
}

function makeSparse(path: string, bytes: number): void {
  const fd = openSync(path, 'w');
  writeSync(fd, randomBytes(300 * KiB), 0, 300 * KiB, bytes / 2 + 5);
  writeSync(fd, 'end', bytes - 5);
  ftruncateSync(fd, bytes);
  closeSync(fd);
}

const kinds = fileSystems.filter((kind) => kind !== 'ramfs');

describe.each(kinds)('on %s a copy that is hashed', (kind) => {
  let mounted: Mounted | string;
  beforeAll(async () => {
    mounted = await mountNew(kind);
  });
  afterAll(async () => {
    if (typeof mounted !== 'string') await mounted.unmount();
  });
  const place = (skip: (why: string) => never) =>
    typeof mounted === 'string' ? skip(mounted) : mounted.path;

  test.for([
    ['small', (path: string) => writeFileSync(path, 'small')],
    ['dense', (path: string) => writeFileSync(path, randomBytes(3 * MiB + 17))],
    ['zeros', (path: string) => writeFileSync(path, Buffer.alloc(MiB + 1))],
    ['sparse', (path: string) => makeSparse(path, 200 * MiB)],
    ['a hole', (path: string) => makeSparse(path, MiB)],
  ] as const)('has the digest of what is there: %s', ([name, make], { skip }) => {
    const top = place(skip);
    const [from, to] = [join(top, `${name} a`), join(top, `${name} b`)];
    make(from);
    const { way, digest } = copyHashed(new ContentCopy({ hashes: true }), from, to);
    expect(way).toBe('read/write');
    expect(digest).toHaveLength(32);
    expect(digestsOf(to)).toEqual(new Set([digest]));
    expect(digestsOf(from)).toEqual(new Set([digest]));
    // A file system may keep some room behind what was written
    const [source, made] = [openSync(from, 'r'), openSync(to, 'r')];
    expect(fstatSync(made).blocks).toBeLessThanOrEqual(fstatSync(source).blocks + 2048);
    for (const fd of [source, made]) closeSync(fd);
  });
});

describe('a copy that is hashed', () => {
  let top: string;
  beforeAll(() => {
    top = mkdtempSync(join(tmpdir(), 'bcopy-hashed-'));
  });
  afterAll(() => rmSync(top, { recursive: true, force: true }));
  afterEach(() => heedStop(undefined));

  test('has another digest for each of its parts, wherever they begin', () => {
    const [from, to] = [join(top, 'parts-a'), join(top, 'parts-b')];
    writeFileSync(from, randomBytes(2 * MiB + 7));
    const cuts = [0, 1, 4097, MiB + 3, 2 * MiB + 7];
    const content = new ContentCopy({ hashes: true });
    const ranges = cuts.slice(1).map((end, i) => [cuts[i]!, end] as const);
    for (const range of ranges.toReversed()) {
      const { digest } = copyHashed(content, from, to, range);
      expect(digestsOf(to, range)).toEqual(new Set([digest]));
    }
    expect(readFileSync(to).equals(readFileSync(from))).toBe(true);
  });

  test('that is stopped has the digest of what it came to', () => {
    const [from, to] = [join(top, 'stopped-a'), join(top, 'stopped-b')];
    writeFileSync(from, randomBytes(MiB));
    const flag = newStopFlag();
    heedStop(flag);
    let steps = 0;
    const readAndWrite: ContentSteps['read/write'] = (...args) => {
      if (++steps === 2) raiseStop(flag);
      return contentSteps['read/write'](...args);
    };
    const content = new ContentCopy({ hashes: true, steps: { ...contentSteps, 'read/write': readAndWrite } });
    const { stoppedAt, digest } = copyHashed(content, from, to, [5, MiB]);
    heedStop(undefined);
    expect(stoppedAt).toBeGreaterThan(5);
    expect(digestsOf(to, [5, stoppedAt!])).toEqual(new Set([digest]));
  });

  test('of a source that became shorter has none', () => {
    const [from, to] = [join(top, 'shorter-a'), join(top, 'shorter-b')];
    writeFileSync(from, randomBytes(MiB));
    expect(copyHashed(new ContentCopy({ hashes: true }), from, to, [0, 2 * MiB])).toEqual({
      bytes: MiB,
      way: 'read/write',
    });
    expect(digestsOf(to, [0, 2 * MiB])).toEqual(new Set([undefined]));
  });

  test('takes what was read, not what was written', () => {
    const [from, to] = [join(top, 'harm-a'), join(top, 'harm-b')];
    writeFileSync(from, randomBytes(3000));
    const harmful: ContentSteps['read/write'] = (source, destination, at, bytes, show) =>
      contentSteps['read/write'](source, destination, at, bytes, (read) => {
        show?.(read);
        read[100] = read[100]! ^ 1;
      });
    const steps = { ...contentSteps, 'read/write': harmful };
    const { digest } = copyHashed(new ContentCopy({ hashes: true, steps }), from, to);
    expect(digestsOf(from)).toEqual(new Set([digest]));
    expect(digestsOf(to).has(digest)).toBe(false);
  });
});
