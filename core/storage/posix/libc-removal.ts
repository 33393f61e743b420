import { FileStatus } from './file-status.ts';
import { declare, declareAsync, EEXIST, type NativeName, renameat, unlinkat } from './libc.ts';

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

/** Removes an empty directory. */
export function removeDirectory(parent: number, name: NativeName): number {
  return unlinkat(parent, name, AT_REMOVEDIR);
}

/** Gives another name that nothing has: EEXIST where something does. A file system that cannot promise it is asked before. */
export function renameToFree(from: number, name: NativeName, to: number, newName: NativeName = name): number {
  const renamed = rawRenameat2(SYS_renameat2, from, name, to, newName, RENAME_NOREPLACE);
  if (renamed !== EINVAL && renamed !== ENOSYS) return renamed;
  return status.read(to, newName) === 0 ? EEXIST : renameat(from, name, to, newName);
}
