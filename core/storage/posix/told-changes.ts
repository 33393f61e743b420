import { release } from 'node:os';
import { mountOf } from './mount-id.ts';

const telling = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs']);
/** What is mounted as ext2 or ext3 has the code of ext4, but does not count. */
const counting = new Set(['ext4', 'xfs', 'btrfs']);
/** By these an administrator hides attributes, and no file changes. */
const hiding = new Set(['noacl', 'nouser_xattr']);

type Told = { readonly tells: boolean; readonly counts: boolean };
const nothing: Told = { tells: false, counts: false };
/** By device. */
const known = new Map<number, Told>();

/**
 * True where the ctime of files is known to change with their extended attributes, whoever changes them: on other file systems that depends on
 * the version (ZFS, tmpfs before Linux 6.1), or on a server or a program that nobody here knows. `fd` is anything open there.
 */
export function tellsChanges(fd: number, device: number): boolean {
  return toldBy(fd, device).tells;
}

/**
 * True where besides each change of a file after its ctime was read gives it another one, however soon: these file systems do that
 * since Linux 6.13 (multigrain timestamps). Elsewhere all changes within some milliseconds have one ctime.
 */
export function countsChanges(fd: number, device: number): boolean {
  return toldBy(fd, device).counts;
}

const mayCount = isAtLeast(release(), 6, 13);

/** A release is as uname(2) has it. */
export function isAtLeast(kernel: string, major: number, minor: number): boolean {
  const [first = 0, second = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return first > major || (first === major && second >= minor);
}

function toldBy(fd: number, device: number): Told {
  const told = known.get(device) ?? find(fd);
  known.set(device, told);
  return told;
}

function find(fd: number): Told {
  const mount = mountOf(fd);
  if (mount === undefined || mount.options.some((option) => hiding.has(option))) return nothing;
  return { tells: telling.has(mount.type), counts: mayCount && counting.has(mount.type) };
}
