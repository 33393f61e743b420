import { closeSync, mkdtempSync, openSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SyncAhead } from '../../../core/run/sync-ahead.ts';

const MiB = 1024 ** 2;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bcopy-sync-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A file of some megabytes, for reading. */
function opened(): { path: string; fd: number } {
  const path = join(directory, 'file');
  writeFileSync(path, Buffer.alloc(8 * MiB, 'x'));
  return { path, fd: openSync(path, 'r') };
}

/** What a descriptor leads to; undefined when it is closed. */
function leadsTo(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/** A device refuses to be synced, as a disk does that is broken. */
const refusing = () => openSync('/dev/null', 'w');

/** What was under way is over. */
const passed = () => setTimeout(50);

describe('a file that is synced while it is written', () => {
  test('is closed at once when nothing is under way, whatever was written', async () => {
    for (const bytes of [0, MiB, 4 * MiB - 1]) {
      const { fd } = opened();
      const ahead = new SyncAhead(fd);
      ahead.wrote(bytes);
      ahead.close();
      expect(leadsTo(fd)).toBe(undefined);
    }
  });

  test.each(['close', 'abandon'] as const)(
    'is closed once, by %s, when the sync under way is done, and no file that has got its number since',
    async (way) => {
      const { fd, path } = opened();
      const ahead = new SyncAhead(fd);
      // One is under way at most: each would close the descriptor
      for (let bytes = 4 * MiB; bytes < 40 * MiB; bytes += 4 * MiB) ahead.wrote(bytes);
      ahead[way]();
      expect(leadsTo(fd)).toBe(path);
      await vi.waitFor(() => expect(leadsTo(fd)).toBe(undefined));
      const next = openSync('/dev/zero', 'r');
      expect(next).toBe(fd);
      await passed();
      expect(leadsTo(fd)).toBe('/dev/zero');
      closeSync(next);
    },
  );

  test('tells at its end what a sync has met, though later ones met nothing, and is closed all the same', async () => {
    const fd = refusing();
    const ahead = new SyncAhead(fd);
    ahead.wrote(4 * MiB);
    await passed();
    // The same number leads to a file that can be synced
    closeSync(fd);
    expect(opened().fd).toBe(fd);
    ahead.wrote(8 * MiB);
    await passed();
    expect(() => ahead.close()).toThrow('EINVAL');
    expect(leadsTo(fd)).toBe(undefined);
  });

  test('tells nothing when it is given up', async () => {
    const fd = refusing();
    const ahead = new SyncAhead(fd);
    ahead.wrote(4 * MiB);
    await passed();
    ahead.abandon();
    expect(leadsTo(fd)).toBe(undefined);
  });
});
