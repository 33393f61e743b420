import { describe, expect, test, vi } from 'vitest';
import type { DoneRange } from '../../core/model/outcome.ts';
import { mergeRanges, Recorder, type RecorderTarget } from '../../workers/recorder.ts';
import { randomNumbers } from '../helpers/random.ts';

const tally = (entries: number, bytes: number) => ({ entries, bytes });

function range(from: number, to: number): DoneRange {
  return { from, to, copied: tally(to - from, (to - from) * 10), skipped: tally(1, 2), linked: tally(0, 0) };
}

function record(more: Partial<RecorderTarget> = {}) {
  const events: unknown[] = [];
  const recorder = new Recorder({
    sync: async () => void events.push('sync'),
    append: async (records) => void events.push(...records),
    isSuperseded: async () => false,
    checkpointMs: 3_600_000,
    ...more,
  });
  return { recorder, events };
}

const failure = {
  ordinal: 5,
  outcome: 'failed',
  path: 'a',
  bytes: 1,
  cause: 'EIO',
  action: 'read',
} as const;
const part = { ordinal: 1, from: 0, to: 5, version: '9:1', temporary: '7', same: false } as const;

describe('a checkpoint', () => {
  test('records what was taken, after a sync and never before', async () => {
    const { recorder, events } = record();
    recorder.takeGroup({ ranges: [range(0, 5)], notes: new Map([['owner not kept', 2]]) });
    recorder.takeOutcome(failure);
    recorder.takePart(part, new Map([['reflink', 1]]));
    recorder.takeGroup({
      ranges: [range(6, 9)],
      notes: new Map([['owner not kept', 3]]),
      ways: new Map([
        ['reflink', 2],
        ['sendfile', 1],
      ]),
    });
    expect(events).toEqual([]);
    await recorder.checkpoint();
    expect(events).toEqual([
      'sync',
      { type: 'done', ...range(0, 5) },
      { type: 'done', ...range(6, 9) },
      { type: 'entry', ...failure },
      { type: 'part', ...part },
      { type: 'note', note: 'owner not kept', entries: 5 },
      { type: 'way', way: 'reflink', files: 3 },
      { type: 'way', way: 'sendfile', files: 1 },
    ]);
  });

  test('records nothing twice', async () => {
    const { recorder, events } = record();
    recorder.takeOutcome(failure);
    await recorder.checkpoint();
    await recorder.checkpoint();
    expect(events.filter((event) => event !== 'sync')).toHaveLength(1);
  });

  test('leaves out what came while the destination was synced, for the next one', async () => {
    const { recorder, events } = record({
      sync: async () => recorder.takeOutcome({ ...failure, ordinal: events.length + 100 }),
    });
    recorder.takeOutcome(failure);
    await recorder.checkpoint();
    expect(events).toMatchObject([{ ordinal: 5 }]);
    await recorder.checkpoint();
    expect(events).toMatchObject([{ ordinal: 5 }, { ordinal: 100 }]);
  });

  test('records nothing when the sync failed', async () => {
    const { recorder, events } = record({ sync: () => Promise.reject(new Error('EIO')) });
    recorder.takeOutcome(failure);
    await expect(recorder.checkpoint()).rejects.toThrow('EIO');
    expect(events).toEqual([]);
  });

  test('appends nothing once a newer worker has the shard, and never again', async () => {
    let isSuperseded = true;
    const { recorder, events } = record({ isSuperseded: async () => isSuperseded });
    recorder.takeOutcome(failure);
    await recorder.checkpoint();
    isSuperseded = false;
    recorder.takeOutcome(failure);
    await recorder.checkpoint();
    expect(events).toEqual(['sync', 'sync']);
    expect(recorder.isSuperseded).toBe(true);
  });

  test('is due when its time has come, or after eight GiB', async () => {
    expect(record({ checkpointMs: 0 }).recorder.isDue).toBe(true);
    const { recorder } = record();
    expect(recorder.isDue).toBe(false);
    recorder.takePart({ ...part, to: 8 * 2 ** 30 - 1 });
    expect(recorder.isDue).toBe(false);
    recorder.takeGroup({ ranges: [{ ...range(0, 1), copied: tally(1, 1) }], notes: new Map() });
    expect(recorder.isDue).toBe(true);
    await recorder.checkpoint();
    expect(recorder.isDue).toBe(false);
  });

  test('forgets ranges that hold nothing', async () => {
    const { recorder, events } = record();
    recorder.takeGroup({ ranges: [range(4, 4)], notes: new Map() });
    await recorder.checkpoint();
    expect(events).toEqual(['sync']);
  });
});

describe('in the background', () => {
  /** Syncs that end when they are told to. */
  function slowSyncs() {
    const ends: (() => void)[] = [];
    return { ends, sync: () => new Promise<void>((resolve) => void ends.push(resolve)) };
  }

  test('a checkpoint that is due is made while work goes on, and one at a time', async () => {
    const { ends, sync } = slowSyncs();
    const { recorder, events } = record({ sync, checkpointMs: 0 });
    recorder.takeOutcome(failure);
    recorder.keepUp();
    recorder.keepUp();
    recorder.takeOutcome({ ...failure, ordinal: 6 });
    expect(ends).toHaveLength(1);
    ends[0]!();
    await new Promise(setImmediate);
    // What came during the sync is not on disk for certain
    expect(events).toMatchObject([{ ordinal: 5 }]);
    recorder.keepUp();
    expect(ends).toHaveLength(2);
  });

  test('the last checkpoint waits for the one under way, and syncs again', async () => {
    const { ends, sync } = slowSyncs();
    const { recorder, events } = record({ sync, checkpointMs: 0 });
    recorder.takeOutcome(failure);
    recorder.keepUp();
    recorder.takeOutcome({ ...failure, ordinal: 6 });
    const last = recorder.checkpoint();
    ends[0]!();
    await new Promise(setImmediate);
    expect(events).toMatchObject([{ ordinal: 5 }]);
    ends[1]!();
    await last;
    expect(events).toMatchObject([{ ordinal: 5 }, { ordinal: 6 }]);
  });

  test('the destination is synced ahead of a checkpoint, and nothing is recorded by that', async () => {
    vi.useFakeTimers();
    try {
      const { recorder, events } = record();
      recorder.takeGroup({ ranges: [range(0, 5)] });
      recorder.keepUp();
      expect(events).toEqual([]);
      vi.advanceTimersByTime(200);
      recorder.keepUp();
      await vi.advanceTimersByTimeAsync(1);
      expect(events).toEqual(['sync']);
      recorder.keepUp();
      expect(events).toEqual(['sync']);
    } finally {
      vi.useRealTimers();
    }
  });

  test('where nothing was copied since, no sync is made ahead', async () => {
    vi.useFakeTimers();
    try {
      const { recorder, events } = record();
      recorder.takeOutcome(failure);
      const { from, to, skipped, linked } = range(0, 5);
      recorder.takeGroup({ ranges: [{ from, to, copied: tally(0, 0), skipped, linked }] });
      vi.advanceTimersByTime(200);
      recorder.keepUp();
      await vi.advanceTimersByTimeAsync(1);
      expect(events).toEqual([]);
      await recorder.checkpoint();
      expect(events[0]).toBe('sync');
    } finally {
      vi.useRealTimers();
    }
  });

  test('a sync that failed is told by the next checkpoint, which records nothing', async () => {
    let isBroken = true;
    const sync = () => (isBroken ? Promise.reject(new Error('EIO')) : Promise.resolve());
    const { recorder, events } = record({ sync, checkpointMs: 0 });
    recorder.takeOutcome(failure);
    recorder.keepUp();
    await new Promise(setImmediate);
    expect(recorder.hasFailed).toBe(true);
    // The kernel tells a lost write once: the next sync would say that all is well
    isBroken = false;
    await expect(recorder.checkpoint()).rejects.toThrow('EIO');
    expect(events).toEqual([]);
  });
});

describe('ranges that touch', () => {
  test('are one, with the sum of their tallies', () => {
    const [joined, ...more] = mergeRanges([range(3, 5), range(0, 3), range(5, 6)]);
    expect(more).toEqual([]);
    expect(joined).toEqual({
      from: 0,
      to: 6,
      copied: tally(6, 60),
      skipped: tally(3, 6),
      linked: tally(0, 0),
    });
  });

  test('never join over a gap, in whatever order they come', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = randomNumbers(seed);
      const ranges: DoneRange[] = [];
      for (let at = 0; ranges.length < 30; ) {
        const from = at + random(2);
        at = from + 1 + random(3);
        ranges.push(range(from, at));
      }
      const covered = (some: readonly DoneRange[]) =>
        some.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i));
      const shuffled = [...ranges].sort(() => random(3) - 1);
      const merged = mergeRanges(shuffled);
      expect(covered(merged)).toEqual(covered(ranges));
      expect(merged.every(({ from }, i) => i === 0 || from > merged[i - 1]!.to)).toBe(true);
      const copied = (some: readonly DoneRange[]) => some.reduce((sum, each) => sum + each.copied.bytes, 0);
      expect(copied(merged)).toBe(copied(ranges));
    }
  });

  test('are joined without changing what was given', () => {
    const given = [range(0, 3), range(3, 5)];
    mergeRanges(given);
    expect(given).toEqual([range(0, 3), range(3, 5)]);
  });
});
