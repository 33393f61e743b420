import { expect, test } from 'vitest';
import type { SyncWord } from '../../core/model/sync.ts';
import type { Storage } from '../../core/storage/storage.ts';
import { syncOf, type TaskContext } from '../../workers/task-context.ts';

test.each([
  ['none', 0],
  ['checkpoint', 1],
  ['file', 1],
  [undefined, 1],
] as [SyncWord | undefined, number][])('a checkpoint with --sync %s syncs %i times', async (sync, times) => {
  let syncs = 0;
  const storage = { sync: async () => void syncs++ } as unknown as Storage;
  await syncOf({ attempt: { sync } } as unknown as TaskContext, storage)();
  expect(syncs).toBe(times);
});
