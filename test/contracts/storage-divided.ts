import { createHash } from 'node:crypto';
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PartOutcome } from '../../core/model/outcome.ts';
import type { FileRequest, PartRequest, PartResult, Storage } from '../../core/storage/storage.ts';
import { file, makeTree, readTree, sparseFile } from '../helpers/tree.ts';
import type { StorageCase } from './storage.ts';

const MiB = 2 ** 20;
const size = 5 * MiB + 3;
const content = Buffer.alloc(size, 'parts of a file ');

/** What every storage promises of files that several workers copy. */
export function dividedFileContract(name: string, open: () => StorageCase): void {
  describe(`${name}: a divided file`, () => {
    let trees: StorageCase;
    let [first, second]: Storage[] = [];
    beforeEach(async () => {
      trees = open();
      await makeTree(trees.source, { d: { big: file(content, { mode: 0o4750, mtimeNs: 12_345_678_901n }) } });
      [first, second] = [trees.open(), trees.open({ pid: 8 })];
    });
    afterEach(() => {
      for (const storage of [first, second]) storage!.close();
      trees.remove();
    });

    const source = () => `${trees.source}/d/big`;
    const names = () => readdirSync(`${trees.destination}/d`);
    const request = (from: number, to?: number): PartRequest => ({
      ordinal: 2,
      path: 'd/big',
      bytes: size,
      from,
      ...(to === undefined ? {} : { to }),
    });

    function copied(result: PartResult): PartOutcome {
      if (!('part' in result)) throw new Error(JSON.stringify(result));
      return result.part;
    }

    function copyParts(): PartOutcome[] {
      return [
        copied(second!.copyPart(request(3 * MiB))),
        copied(first!.copyPart(request(0, 2 * MiB))),
        copied(second!.copyPart(request(2 * MiB, 3 * MiB))),
      ];
    }

    function completion({ version, temporary, same }: PartOutcome): FileRequest {
      return { ordinal: 2, path: 'd/big', bytes: size, version, temporary, same };
    }

    const sum = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

    test('is whole when two workers have copied its parts in any order', async () => {
      const parts = copyParts();
      expect(new Set(parts.map(({ temporary }) => temporary)).size).toBe(1);
      expect(new Set(parts.map(({ version }) => version)).size).toBe(1);
      expect(parts.map(({ from, to }) => [from, to])).toEqual([
        [3 * MiB, size],
        [0, 2 * MiB],
        [2 * MiB, 3 * MiB],
      ]);
      expect(first!.completeFile(completion(parts[0]!))).toEqual({ kind: 'copied' });
      expect(names()).toEqual(['big']);
      first!.completeDirectory(1, 'd');
      first!.completeDirectory(0, '');
      expect(await readTree(trees.destination)).toEqual(await readTree(trees.source));
    });

    test('has no other name before it is whole', () => {
      copyParts();
      expect(names()).toEqual(['.bcopy.r1.2.parts']);
    });

    test('may be copied and completed twice', () => {
      copyParts();
      const [part] = copyParts();
      expect(first!.completeFile(completion(part!))).toEqual({ kind: 'copied' });
      expect(second!.completeFile(completion(part!))).toEqual({ kind: 'copied' });
      expect(sum(`${trees.destination}/d/big`)).toBe(sum(source()));
    });

    test('is not copied when the destination has it', () => {
      first!.completeFile(completion(copyParts()[0]!));
      const { ino } = statSync(`${trees.destination}/d/big`);
      const [again] = copyParts();
      expect(again).toMatchObject({ same: true, temporary: '' });
      expect(first!.completeFile(completion(again!))).toEqual({ kind: 'skipped' });
      expect(statSync(`${trees.destination}/d/big`).ino).toBe(ino);
      expect(names()).toEqual(['big']);
    });

    test('that changed between its parts has parts of two versions', () => {
      const before = copied(first!.copyPart(request(0, MiB)));
      utimesSync(source(), 5, 5);
      expect(copied(second!.copyPart(request(MiB))).version).not.toBe(before.version);
    });

    test('that has a hole where an earlier version had data is no mixture', () => {
      copyParts();
      truncateSync(source(), 0);
      truncateSync(source(), size);
      const [part] = copyParts();
      expect(first!.completeFile(completion(part!))).toEqual({ kind: 'copied' });
      expect(sum(`${trees.destination}/d/big`)).toBe(sum(source()));
    });

    test('that changed after its parts were copied gets no name', () => {
      const [part] = copyParts();
      appendFileSync(source(), 'more');
      const finished = first!.completeFile(completion(part!));
      expect(finished).toMatchObject({ kind: 'outcome', outcome: { outcome: 'failed', cause: 'CHANGED' } });
      expect(names()).toEqual(['.bcopy.r1.2.parts']);
    });

    test('whose temporary file is another gets no name', () => {
      const [part] = copyParts();
      rmSync(`${trees.destination}/d/.bcopy.r1.2.parts`);
      // The file system may well give the inode of the old one to the new
      const { temporary } = copied(second!.copyPart(request(0, MiB)));
      expect(temporary).not.toBe(part!.temporary);
      const finished = first!.completeFile(completion(part!));
      expect(finished).toMatchObject({ kind: 'outcome', outcome: { outcome: 'failed', cause: 'CHANGED' } });
    });

    test('whose temporary file is gone gets no name and has not vanished', () => {
      const [part] = copyParts();
      rmSync(`${trees.destination}/d/.bcopy.r1.2.parts`);
      const finished = first!.completeFile(completion(part!));
      expect(finished).toMatchObject({ kind: 'outcome', outcome: { outcome: 'failed', cause: 'ENOENT' } });
    });

    test('that is gone from the source has vanished, for its parts and for its end', () => {
      const [part] = copyParts();
      rmSync(source());
      expect(first!.copyPart(request(0, MiB))).toMatchObject({
        outcome: { outcome: 'vanished', bytes: size },
      });
      expect(first!.completeFile(completion(part!))).toMatchObject({ outcome: { outcome: 'vanished' } });
    });

    test('says what state it is in', () => {
      expect(first!.dividedState(2, 'd/big').temporary).toBe('');
      const [part] = copyParts();
      expect(first!.dividedState(2, 'd/big')).toEqual({ version: part!.version, temporary: part!.temporary });
      rmSync(trees.source, { recursive: true });
      expect(first!.dividedState(2, 'd/big').version).toBe('');
    });

    test('keeps its holes', async () => {
      rmSync(source());
      await makeTree(`${trees.source}/e`, { big: sparseFile(64 * MiB, [[32 * MiB, 'x']]) });
      const part = (from: number, to?: number): PartRequest => ({ ...request(from, to), path: 'e/big' });
      const parts = [first!.copyPart(part(0, 32 * MiB)), second!.copyPart(part(32 * MiB))].map(copied);
      first!.completeFile({ ...completion(parts[0]!), path: 'e/big' });
      const [made, original] = [`${trees.destination}/e/big`, `${trees.source}/e/big`];
      expect(sum(made)).toBe(sum(original));
      expect(statSync(made).blocks).toBeLessThanOrEqual(statSync(original).blocks);
    });

    test('that became longer is copied to its new end by who has the last part', () => {
      appendFileSync(source(), 'more');
      expect(copied(first!.copyPart(request(3 * MiB)))).toMatchObject({ from: 3 * MiB, to: size + 4 });
    });

    test('that became shorter has nothing left in a part beyond its end', () => {
      writeFileSync(source(), 'short');
      expect(copied(first!.copyPart(request(3 * MiB)))).toMatchObject({ from: 3 * MiB, to: 3 * MiB });
      const whole = copied(first!.copyPart(request(0, 2 * MiB)));
      expect(first!.completeFile(completion(whole))).toEqual({ kind: 'copied' });
      expect(readFileSync(`${trees.destination}/d/big`, 'utf8')).toBe('short');
    });
  });
}
