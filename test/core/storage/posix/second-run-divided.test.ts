import { chmodSync, existsSync, lstatSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { byTime, type Comparison } from '../../../../core/model/compare.ts';
import type { PartOutcome } from '../../../../core/model/outcome.ts';
import { PosixStorage, type PosixStorageRequest } from '../../../../core/storage/posix/posix-storage.ts';
import type { FinishedEntry, PartRequest } from '../../../../core/storage/storage.ts';
import { completionOf } from '../../../../workers/large-file.ts';
import { makeTwoTrees, requestFor, type TwoTrees } from '../../../helpers/storage-trees.ts';

const part = 2 ** 20;
const bytes = 3 * part + 5;
const content = Buffer.alloc(bytes, 'parts of a file ');

let trees: TwoTrees;
beforeEach(() => {
  trees = makeTwoTrees();
  write(trees.source, content);
  write(trees.destination, content);
});
afterEach(() => trees.remove());

function write(tree: string, data: Buffer, seconds = 2000): void {
  writeFileSync(`${tree}/big`, data);
  utimesSync(`${tree}/big`, 1000, seconds);
}

function changed(at: number): Buffer {
  const data = Buffer.from(content);
  data[at] = data[at]! ^ 1;
  return data;
}

const entry = { ordinal: 1, path: 'big', bytes };
const asked: readonly PartRequest[] = [0, 1, 2, 3].map((i) => ({
  ...entry,
  from: i * part,
  to: Math.min(bytes, (i + 1) * part),
}));

type Copied = { same: boolean[]; finished: FinishedEntry | undefined; notes: unknown };

/** All parts, each by a worker of its own, and the completion. */
function copy(compare: Partial<Comparison> = {}, more: Partial<PosixStorageRequest> = {}): Copied {
  const open = () => new PosixStorage(requestFor(trees, { compare: { ...byTime, ...compare }, ...more }));
  const parts = asked.map((request): PartOutcome => {
    const storage = open();
    const result = storage.copyPart(request);
    storage.close();
    if (!('part' in result)) throw new Error(JSON.stringify(result));
    return result.part;
  });
  const storage = open();
  const completion = completionOf(entry, parts);
  const finished = completion && storage.completeFile(completion);
  const notes = Object.fromEntries(storage.takeNotes());
  storage.close();
  return { same: parts.map(({ same }) => same), finished, notes };
}

const [yes, no] = [
  [true, true, true, true],
  [false, false, false, false],
];
const inode = () => lstatSync(`${trees.destination}/big`).ino;
const isCopied = () => readFileSync(`${trees.destination}/big`).equals(readFileSync(`${trees.source}/big`));

test('a divided file that is there is not copied, and gets the mode and times of its source', () => {
  const before = inode();
  expect(copy()).toEqual({ same: yes, finished: { kind: 'skipped' }, notes: {} });
  chmodSync(`${trees.source}/big`, 0o600);
  expect(copy()).toEqual({ same: yes, finished: { kind: 'skipped' }, notes: { 'metadata mended': 1 } });
  utimesSync(`${trees.source}/big`, 1000, 3000);
  expect(copy({ by: 'size' }).same).toEqual(yes);
  const { mode, mtimeMs } = statSync(`${trees.destination}/big`);
  expect([inode(), mode & 0o777, mtimeMs]).toEqual([before, 0o600, 3_000_000]);
});

test.each([
  ['mtime', yes, false],
  ['size', yes, false],
  ['tail', no, true],
  ['checksum', [true, true, true, false], true],
] as const)('one whose last byte differs is another by %s: %j', (by, same, isNew) => {
  write(trees.destination, changed(bytes - 1));
  const copied = copy({ by });
  expect(copied).toMatchObject({ same, finished: { kind: isNew ? 'copied' : 'skipped' } });
  expect(isCopied()).toBe(isNew);
  expect(existsSync(`${trees.destination}/.bcopy.r1.1.parts`)).toBe(false);
});

test('parts that found their bytes there are filled in beside those that did not', () => {
  write(trees.destination, changed(2 * part + 7));
  const copied = copy({ by: 'checksum' });
  expect(copied).toMatchObject({ same: [true, true, false, true], finished: { kind: 'copied' } });
  expect(isCopied()).toBe(true);
  expect(statSync(`${trees.destination}/big`).mtimeMs).toBe(2_000_000);
});

test('a range of a file that is known to be another is copied whatever it holds', () => {
  const storage = new PosixStorage(requestFor(trees, { compare: { ...byTime, by: 'checksum' } }));
  expect(storage.copyPart({ ...asked[0]!, isDecided: true })).toMatchObject({ part: { same: false } });
  storage.close();
});

test('one that is doubted is copied, by whatever it is compared', () => {
  expect(copy({ by: 'checksum' }, { doubtsFiles: true })).toMatchObject({
    same: no,
    finished: { kind: 'copied' },
  });
});

test('one that is newer stays, also when it came while the parts were copied', () => {
  write(trees.destination, changed(0), 5000);
  const left = { 'newer at the destination: left as it is': 1 };
  expect(copy({ update: true })).toEqual({ same: yes, finished: { kind: 'skipped' }, notes: left });
  write(trees.destination, changed(0), 1000);
  const open = () => new PosixStorage(requestFor(trees, { compare: { ...byTime, update: true } }));
  const storage = open();
  const parts = asked.map((request) => (storage.copyPart(request) as { part: PartOutcome }).part);
  write(trees.destination, changed(1), 5000);
  expect(storage.completeFile(completionOf(entry, parts)!)).toEqual({ kind: 'skipped' });
  storage.close();
  expect(readFileSync(`${trees.destination}/big`).equals(changed(1))).toBe(true);
  expect(existsSync(`${trees.destination}/.bcopy.r1.1.parts`)).toBe(false);
});
