import { type FSWatcher, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Returns when something happens to a file, or in a directory, or after so many milliseconds: what other machines
 * change is not seen sooner. Throws why the signal was aborted.
 */
export async function untilChanged(path: string, ms: number, signal?: AbortSignal): Promise<void> {
  const changed = new AbortController();
  const watcher = tryWatch(path, () => changed.abort());
  const end = signal === undefined ? changed.signal : AbortSignal.any([changed.signal, signal]);
  try {
    await sleep(ms, undefined, { signal: end });
  } catch {
    signal?.throwIfAborted();
  } finally {
    watcher?.close();
  }
}

/** Undefined where nothing can be watched: the file is not there, or the user watches too many already. */
function tryWatch(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(path, onChange).on('error', () => {});
  } catch {
    return undefined;
  }
}
