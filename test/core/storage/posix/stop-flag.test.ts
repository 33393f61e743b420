import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { byTime } from '../../../../core/model/compare.ts';
import { fullFidelity } from '../../../../core/model/fidelity.ts';
import { type ContentSteps, contentSteps } from '../../../../core/storage/posix/content-steps.ts';
import { ContentCopy } from '../../../../core/storage/posix/copy-content.ts';
import { GroupCopy } from '../../../../core/storage/posix/copy-group.ts';
import { putPart } from '../../../../core/storage/posix/divided-file.ts';
import { Keeper } from '../../../../core/storage/posix/keeper.ts';
import { setLimits, shareLimits, takeBytes } from '../../../../core/storage/posix/limits.ts';
import { PosixStorage } from '../../../../core/storage/posix/posix-storage.ts';
import {
  heedStop,
  newStopFlag,
  raiseStop,
  type StopFlag,
  Stopped,
} from '../../../../core/storage/posix/stop-flag.ts';
import { Trees } from '../../../../core/storage/posix/trees.ts';
import { filesGroup, makeTwoTrees, requestFor, type TwoTrees } from '../../../helpers/storage-trees.ts';

const MiB = 2 ** 20;
let trees: TwoTrees;
let stop: StopFlag;
beforeEach(() => {
  trees = makeTwoTrees();
  stop = newStopFlag();
  heedStop(stop);
});
afterEach(() => {
  heedStop(undefined);
  setLimits(undefined);
  trees.remove();
});

/** Copies for real, but shares nothing, and is told to stop during the n-th step. */
function stoppedDuring(step: number): ContentCopy {
  let steps = 0;
  const copyFileRange: ContentSteps['copy_file_range'] = (...args) => {
    if (++steps === step) raiseStop(stop);
    return contentSteps.copy_file_range(...args);
  };
  const sharesNothing = { clone: () => -95, cloneRange: () => -95 };
  return new ContentCopy({ steps: { ...contentSteps, ...sharesNothing, copy_file_range: copyFileRange } });
}

const fill = (name: string, bytes: number) =>
  writeFileSync(`${trees.source}/${name}`, Buffer.alloc(bytes, name));
const writer = { run: 'r1', attempt: 1, restart: 0, pid: 7 };

describe('a group', () => {
  test('is not begun', () => {
    fill('a', 5);
    raiseStop(stop);
    const storage = new PosixStorage(requestFor(trees, { stop }));
    expect(storage.copyGroup(filesGroup(['a']))).toMatchObject({ ranges: [], outcomes: [] });
    storage.close();
    expect(readdirSync(trees.destination)).toEqual([]);
  });

  test('ends after what is done, and nothing is left of the file in hand', () => {
    for (const name of ['a', 'c']) fill(name, 5);
    fill('b', 20 * MiB);
    const opened = new Trees(requestFor(trees));
    const content = stoppedDuring(1);
    const copy = new GroupCopy(opened, { writer, mayExist: true, fidelity: fullFidelity, content });
    const outcome = copy.run(filesGroup(['a', 'b', 'c']));
    expect(outcome.ranges).toMatchObject([{ from: 0, to: 1, copied: { entries: 1 } }]);
    expect([outcome.outcomes, outcome.hopeless]).toEqual([[], undefined]);
    opened.close();
    expect(readdirSync(trees.destination)).toEqual(['a']);
  });
});

describe('a part', () => {
  const put = (content: ContentCopy, from: number, bytes: number) => {
    const opened = new Trees(requestFor(trees));
    const destinationDirectory = opened.destinationDirectory('');
    const where = {
      sourceDirectory: opened.sourceDirectory(''),
      destinationDirectory,
      directory: opened.factsOf(destinationDirectory),
      name: 'big',
      sourceName: 'big',
      temporary: 'parts',
      keeper: new Keeper(fullFidelity, () => {}),
      compare: byTime,
      isDoubted: false,
    };
    try {
      return putPart({ ordinal: 1, path: 'big', bytes, from }, where, content);
    } finally {
      opened.close();
    }
  };

  test.each([
    ['', 40 * MiB],
    [' of a very large file', 200 * MiB],
  ])('%s is as long as it has come', (_, bytes) => {
    fill('big', bytes);
    const part = put(stoppedDuring(2), MiB, bytes);
    expect(part).toMatchObject({ from: MiB, same: false });
    expect(part.to).toBeGreaterThan(9 * MiB);
    expect(part.to).toBeLessThan(bytes);
    const [made, source] = [trees.destination, trees.source].map((tree, i) =>
      readFileSync(`${tree}/${['parts', 'big'][i]}`).subarray(MiB, part.to),
    );
    expect(made!.equals(source!)).toBe(true);
    expect(readFileSync(`${trees.destination}/parts`).length).toBe(part.to);
  });

  test('that has come nowhere is none', () => {
    fill('big', 4 * MiB);
    raiseStop(stop);
    expect(() => put(new ContentCopy(), 0, 4 * MiB)).toThrow(Stopped);
    const storage = new PosixStorage(requestFor(trees, { stop }));
    expect(storage.copyPart({ ordinal: 1, path: 'big', bytes: 4 * MiB, from: 0 })).toEqual({ stopped: true });
    storage.close();
    expect(existsSync(`${trees.destination}/big`)).toBe(false);
  });
});

test('who waits for a limit waits no more', () => {
  setLimits(shareLimits({ bytesPerSecond: 1 }));
  takeBytes(1);
  raiseStop(stop);
  // Which would be minutes
  expect(takeBytes(1000)).toBe(0);
});
