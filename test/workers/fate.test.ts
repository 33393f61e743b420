import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { EntryOutcome } from '../../core/model/outcome.ts';
import type { Engine } from '../../workers/engine.ts';
import { Fate } from '../../workers/fate.ts';
import type { Recorder } from '../../workers/recorder.ts';
import type { TaskContext } from '../../workers/task-context.ts';
import { attemptOf, keptLog } from '../helpers/task-fixture.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function begin() {
  const stop = new AbortController();
  const stopped = vi.fn();
  const { log, lines } = keptLog();
  const taken: EntryOutcome[] = [];
  const fate = new Fate({
    context: { attempt: attemptOf(1) } as TaskContext,
    engine: { stop: stopped } as unknown as Engine,
    recorder: { takeOutcome: (outcome: EntryOutcome) => void taken.push(outcome) } as unknown as Recorder,
    options: { program: new URL('file:///not/used'), log, signal: stop.signal },
  });
  return { fate, stop, stopped, lines, taken };
}

/** How many tries there are within a while, the first included, of work that always fails. */
async function triesWithin(fate: Fate, ms: number): Promise<number> {
  let tries = 1;
  void fate.tryAgain(
    0,
    async () => ++tries,
    () => false,
  );
  await vi.advanceTimersByTimeAsync(ms);
  return tries;
}

test('a fault is waited for longer each time', async () => {
  const { fate } = begin();
  expect(await triesWithin(fate, 1100)).toBe(2);
  expect(await triesWithin(fate, 4200)).toBe(3);
  expect(await triesWithin(fate, 60_000)).toBe(4);
});

test('where nothing gets through there is one wait, until something does', async () => {
  const { fate } = begin();
  fate.wasInVain(19);
  expect(await triesWithin(fate, 1100)).toBe(2);
  fate.wasInVain(1);
  expect(await triesWithin(fate, 400)).toBe(1);
  expect(await triesWithin(fate, 1100)).toBe(4);
  fate.gotThrough();
  expect(await triesWithin(fate, 1100)).toBe(2);
});

test('each hopeless cause is told and recorded once, and ends the work', () => {
  const { fate, stopped, lines, taken } = begin();
  const failed = { outcome: 'failed', path: 'f', bytes: 1, action: 'write' } as const;
  for (const [i, cause] of ['ENOSPC', 'ENOSPC', 'EDQUOT', 'ENOSPC', 'EDQUOT'].entries())
    fate.tell({ ...failed, ordinal: i, cause });
  expect(lines).toEqual([
    'no space left at the destination (ENOSPC); the rest of this shard was not tried',
    'quota exceeded at the destination (EDQUOT); the rest of this shard was not tried',
  ]);
  expect(taken).toMatchObject([{ ordinal: 0 }, { ordinal: 2 }]);
  expect(stopped).toHaveBeenCalled();
  expect([fate.mustStop, fate.reason]).toEqual([true, 'hopeless']);
});

test('what waits when all is to stop is left', async () => {
  const { fate, stop, stopped } = begin();
  const waiting = fate.tryAgain(
    1,
    async () => 2,
    () => false,
  );
  stop.abort();
  expect(await waiting).toBeUndefined();
  expect(fate.mustStop).toBe(true);
  expect(stopped).toHaveBeenCalledOnce();
});
