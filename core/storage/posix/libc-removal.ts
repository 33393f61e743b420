import { FileStatus } from './file-status.ts';
import { declare, declareAsync, EEXIST, ENOENT, type NativeName } from './libc.ts';
import { linkat, renameat, unlinkat } from './libc-names.ts';

const AT_REMOVEDIR = 0x200;
const RENAME_NOREPLACE = 1;
const EINVAL = -22;
const ENOSYS = -38;
const SYS_renameat2 = process.arch === 'arm64' ? 276 : 316;

/** renameat2(2), by its number: glibc has no wrapper before 2.28 */
const rawRenameat2 = declare('long syscall(long, int, const char *, int, const char *, uint32_t)');
/** unlinkat(2) on a thread of the pool. */
export const unlinkatAsync = declareAsync('int unlinkat(int, const char *, int)') as (
  ...args: Parameters<typeof unlinkat>
) => Promise<number>;
const status = new FileStatus();
const other = new FileStatus();

/** Removes an empty directory. */
export function removeDirectory(parent: number, name: NativeName): number {
  return unlinkat(parent, name, AT_REMOVEDIR);
}

/**
 * Gives another name that nothing has: EEXIST where something does. Where no call promises it, as on NFS, a link does, but for
 * directories; those can only take the place of an empty one.
 */
export function renameToFree(from: number, name: NativeName, to: number, newName: NativeName = name): number {
  const renamed = rawRenameat2(SYS_renameat2, from, name, to, newName, RENAME_NOREPLACE);
  if (renamed !== EINVAL && renamed !== ENOSYS) return renamed;
  const linked = linkat(from, name, to, newName, 0);
  // There already: a link whose answer was lost, or after which somebody was killed
  const isLinked = linked === 0 || (linked === EEXIST && isSameFile(from, name, to, newName));
  if (isLinked) {
    const removed = unlinkat(from, name, 0);
    return removed === ENOENT ? 0 : removed;
  }
  if (linked === EEXIST) return EEXIST;
  return status.read(to, newName) === 0 ? EEXIST : renameat(from, name, to, newName);
}

function isSameFile(from: number, name: NativeName, to: number, newName: NativeName): boolean {
  if (status.read(from, name) < 0 || other.read(to, newName) < 0) return false;
  return status.type !== 'directory' && status.isSameFileAs(other);
}
