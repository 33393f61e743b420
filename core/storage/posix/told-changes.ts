import { statfsSync } from 'node:fs';
import { release } from 'node:os';

/** ext2 to ext4, XFS and Btrfs, as statfs(2) has them. */
const telling = new Set([0xef53, 0x58465342, 0x9123683e]);
/** By device. */
const known = new Map<number, boolean>();

/**
 * True where a file's ctime is known to change with its extended attributes, whoever changes them: on other file systems that depends on
 * the version (ZFS, tmpfs before Linux 6.1), or on a server or a program that nobody here knows.
 */
export function tellsChanges(directory: number, device: number): boolean {
  const tells = known.get(device) ?? telling.has(typeOf(directory));
  known.set(device, tells);
  return tells;
}

/**
 * True where each change of a file after its ctime was read gives it another one, however soon: these file systems do that since Linux 6.13
 * (multigrain timestamps). Before, all changes within some milliseconds have one ctime.
 */
export const countsChangesAtOnce = isAtLeast(release(), 6, 13);

/** A release is as uname(2) has it. */
export function isAtLeast(kernel: string, major: number, minor: number): boolean {
  const [first = 0, second = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return first > major || (first === major && second >= minor);
}

function typeOf(directory: number): number {
  try {
    return statfsSync(`/proc/self/fd/${directory}`).type;
  } catch {
    return 0;
  }
}
