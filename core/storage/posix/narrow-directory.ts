import { accessAcl, readAttribute } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import { fchmod } from './libc-metadata.ts';

const ours = new FileStatus();
const theirs = new FileStatus();

/**
 * Takes from a directory that was at the destination already what its source's gives neither group nor others: what is copied into
 * it must not be open to more people until finish gives it the mode of the source's. Who is named in an ACL that the
 * source's has not waits likewise. A directory of somebody else stays as it is, and finish tells. Throws a SystemError.
 */
export function narrowDirectory(destination: number, source: number): void {
  const { mode } = ours.readOpen(destination, 'look at destination directory');
  const { mode: wanted } = theirs.readOpen(source, 'look at source');
  const named = (mode & 0o070) === 0 || hasSameAcl(destination, source) ? 0 : 0o070;
  const narrow = mode & (wanted | ~0o077) & ~named;
  if (narrow !== mode) fchmod(destination, narrow);
}

function hasSameAcl(destination: number, source: number): boolean {
  const [its, another] = [readAttribute(destination, accessAcl), readAttribute(source, accessAcl)];
  if (typeof its === 'string') return true;
  return typeof another !== 'string' && Buffer.compare(its, another) === 0;
}
