import { expect, test } from 'vitest';
import type { SyncWord } from '../../core/model/sync.ts';
import { SystemError } from '../../core/storage/posix/system-error.ts';
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

test('a sync that fails ends the worker with what the disk said', async () => {
  const sync = () => Promise.reject(new SystemError('EIO', 'sync the destination'));
  const synced = syncOf({ attempt: {} } as unknown as TaskContext, { sync } as unknown as Storage)();
  const message = expect.stringMatching(/^cannot sync the destination on .*: input\/output error \(EIO\)$/);
  await expect(synced).rejects.toMatchObject({ kind: 'destinationUnwritable', message });
});
