import { AT_FDCWD, nativeName, O_CLOEXEC, O_DIRECTORY, O_RDONLY, openat } from './libc.ts';
import { syncfs } from './libc-content.ts';
import { check } from './system-error.ts';

/** Opens a directory that the user has named, also one that symlinks lead to. Throws a SystemError. */
export function openTree(path: string): number {
  return check(openat(AT_FDCWD, nativeName(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), 'open');
}

/** Puts what was written to the file system of an open directory on its disk: only then can memory forget it. */
export async function putOnDisk(directory: number): Promise<void> {
  check(await syncfs(directory), 'put on disk');
}
