import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Size } from './volume.ts';

export const GiB = 1024 ** 3;

/** The part of a wanted scale at which the source and one copy fit on disk, with something to spare; 0 when nothing does. */
export function scaleThatFits(
  scratch: string,
  wanted: number,
  size: (scale: number) => Size,
): { scale: number; note?: string } {
  const free = freeDisk(scratch);
  const { bytes, entries } = size(wanted);
  const needed = bytes * 2.2 + entries * 4096 + 2 * GiB;
  if (needed <= free) return { scale: wanted };
  const fits = Math.max(0, Math.floor(((wanted * (free - 2 * GiB)) / (needed - 2 * GiB)) * 100) / 100);
  const what = fits > 0 ? `at scale ${fits}, not ${wanted}` : 'not measured';
  return { scale: fits, note: `${what}: ${gib(needed)} GiB of disk are needed, ${gib(free)} free` };
}

function gib(bytes: number): string {
  return (bytes / GiB).toFixed(1);
}

function freeDisk(scratch: string): number {
  const { bavail, bsize } = statfsSync(scratch);
  return bavail * bsize;
}

/** What the machine can hold in its page cache. */
export function availableMemory(): number {
  return memory('MemAvailable');
}

/** In bytes, by the name it has in /proc/meminfo. */
function memory(name: string): number {
  const line = readFileSync('/proc/meminfo', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  return 1024 * Number.parseInt(line!.slice(name.length + 1), 10);
}

/** The first touch of a virtual machine's memory is slow: fills what nobody uses with page cache, once. */
export function touchMemory(scratch: string): void {
  const file = join(scratch, 'zeros');
  const descriptor = openSync(file, 'wx', 0o600);
  ftruncateSync(descriptor, memory('MemFree'));
  closeSync(descriptor);
  // A hole costs no disk, but memory like any other content
  spawnSync('sh', ['-c', 'cat "$0" >/dev/null', file]);
  rmSync(file);
}

/** So that every command finds the source in the page cache. */
export function readAll(source: string): void {
  spawnSync('sh', ['-c', 'find "$0" -type f -print0 | xargs -0 -r cat >/dev/null', source]);
}
