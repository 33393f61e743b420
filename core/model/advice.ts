/** What each cause of a failure means and what a person can do about it. */
const advice = new Map<string, { readonly means: string; readonly todo: string }>([
  [
    'EACCES',
    {
      means: 'permission denied',
      todo: 'ask the owner for read permission (chmod u+r or g+r, and x on directories), then --retry',
    },
  ],
  [
    'EPERM',
    {
      means: 'operation not permitted',
      todo: 'the file system or its owner forbids it; look for immutable files (lsattr), then --retry',
    },
  ],
  [
    'ENOSPC',
    {
      means: 'no space left at the destination',
      todo: 'make space (or free inodes) at the destination, then --retry',
    },
  ],
  [
    'EDQUOT',
    { means: 'quota exceeded at the destination', todo: 'make space or ask for more quota, then --retry' },
  ],
  [
    'EROFS',
    {
      means: 'the destination is read-only',
      todo: 'have the destination mounted for writing on the compute nodes, then --retry',
    },
  ],
  [
    'EISDIR',
    {
      means: 'a directory stands where a file belongs',
      todo: 'move that directory away at the destination, then --retry; bcopy removes no directory',
    },
  ],
  [
    'ENOTEMPTY',
    {
      means: 'a directory stands where a file belongs',
      todo: 'move that directory away at the destination, then --retry; bcopy removes no directory',
    },
  ],
  [
    'ENAMETOOLONG',
    {
      means: 'the destination cannot take so long a name',
      todo: 'shorten the name at the source, or choose another destination',
    },
  ],
  [
    'EILSEQ',
    {
      means: 'the destination cannot take such a name',
      todo: 'rename it at the source, or choose another destination',
    },
  ],
  ['EFBIG', { means: 'the destination cannot take so large a file', todo: 'choose another destination' }],
  [
    'EIO',
    { means: 'input/output error', todo: 'the storage has a problem; tell its administrators, then --retry' },
  ],
  ['ESTALE', { means: 'stale file handle', todo: 'the network file system changed below the copy; --retry' }],
  [
    'NOT_KEPT',
    {
      means: 'the destination cannot keep what --require asks for',
      todo: 'choose another destination, or leave the word in brackets out of --require, then --retry',
    },
  ],
  [
    'DANGLING',
    { means: 'a symlink that leads nowhere', todo: 'mend or remove it, or copy symlinks as they are' },
  ],
  [
    'ELOOP',
    {
      means: 'a symlink that leads in a circle',
      todo: 'copy symlinks as they are, or remove it; what it leads to is copied in its own place',
    },
  ],
  ['MISSING', { means: 'listed, but not at the source', todo: 'mend the list, then copy again' }],
  [
    'NO_DIRECTORY',
    {
      means: 'no directory, though something in it is listed',
      todo: 'mend the list, then copy again',
    },
  ],
  [
    'NO_FILE',
    {
      means: 'no regular file any more',
      todo: 'see what has become of it at the destination, then copy it again',
    },
  ],
  ['CHANGED', { means: 'changed while it was copied', todo: 'wait until nobody writes to it, then --retry' }],
  [
    'SOURCE_ROOT',
    {
      means: 'the source is not the directory that was scanned',
      todo: 'see that it is mounted on the compute nodes, then --retry',
    },
  ],
  [
    'DESTINATION_ROOT',
    {
      means: 'the destination is not the directory that was planned for',
      todo: 'see that it is mounted on the compute nodes, then --retry',
    },
  ],
  [
    'EXDEV',
    { means: 'another file system is mounted there', todo: 'unmount it if it is to go, then --retry' },
  ],
  [
    'LIMIT',
    {
      means: 'more than was counted before, and may be removed',
      todo: 'see what has come to the destination meanwhile, and give a higher --max-delete if it is to go',
    },
  ],
  [
    'INTO_SOURCE',
    { means: 'it would have been written into the source itself', todo: 'choose another destination' },
  ],
]);

/** A sentence for people: `permission denied (EACCES)`. */
export function meaningOf(cause: string): string {
  const known = advice.get(cause);
  return known === undefined ? cause : `${known.means} (${cause})`;
}

export function adviceFor(cause: string): string {
  return advice.get(cause)?.todo ?? '--retry; if it stays, look the error up or tell your administrators';
}
