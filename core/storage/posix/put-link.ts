import { FileStatus } from './file-status.ts';
import { linkat, type NativeName, renameat, unlinkat } from './libc.ts';
import { check } from './system-error.ts';

const first = new FileStatus();
const existing = new FileStatus();

export type PutLinkRequest = {
  readonly firstDirectory: number;
  readonly firstName: NativeName;
  readonly destinationDirectory: number;
  readonly name: NativeName;
  readonly temporary: NativeName;
};

/**
 * Makes a further name of a file at the destination, in place of whatever file has that name. `skipped` when it is
 * one already. Throws a SystemError and leaves nothing behind then.
 */
export function putLink(request: PutLinkRequest): 'linked' | 'skipped' {
  const { firstDirectory, firstName, destinationDirectory, name, temporary } = request;
  check(first.read(firstDirectory, firstName), 'look at the first name');
  if (existing.read(destinationDirectory, name) === 0 && existing.isSameFileAs(first)) return 'skipped';
  unlinkat(destinationDirectory, temporary, 0);
  check(linkat(firstDirectory, firstName, destinationDirectory, temporary, 0), 'make the link');
  const renamed = renameat(destinationDirectory, temporary, destinationDirectory, name);
  if (renamed < 0) unlinkat(destinationDirectory, temporary, 0);
  check(renamed, 'rename');
  return 'linked';
}
