import { compareNames } from '../../model/byte-order.ts';
import { DirectoryNames } from './directory-names.ts';
import { FileStatus } from './file-status.ts';
import { ENOENT, nativeName } from './libc.ts';
import { check } from './system-error.ts';

export type FoundName = { readonly name: string; readonly isDirectory: boolean };

/**
 * `names` is the order of the names themselves. `paths` counts a directory's with the slash that follows it: then files and what
 * is in directories, gone into where they stand, come in the order of whole paths.
 */
export type NameOrder = 'names' | 'paths';

const names = new DirectoryNames();
const status = new FileStatus();

/** What is in an open directory, in the order of bytes. What vanishes meanwhile is left out. Throws a SystemError. */
export function readSortedNames(fd: number, order: NameOrder): FoundName[] {
  const found: FoundName[] = [];
  for (const { name, type } of names.read(fd)) {
    const isDirectory = type === 'unknown' ? lookAt(fd, name) : type === 'directory';
    if (isDirectory !== undefined) found.push({ name, isDirectory });
  }
  const keyOf = ({ name, isDirectory }: FoundName) => (order === 'paths' && isDirectory ? `${name}/` : name);
  return found.sort((one, other) => compareNames(keyOf(one), keyOf(other)));
}

/** Undefined when it is gone. */
function lookAt(fd: number, name: string): boolean | undefined {
  const result = status.read(fd, nativeName(name));
  if (result === ENOENT) return undefined;
  check(result, 'look at a name of the directory');
  return status.type === 'directory';
}
