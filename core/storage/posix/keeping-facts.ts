import { FileStatus } from './file-status.ts';
import { EACCES } from './libc.ts';
import { fchmod, futimens } from './libc-metadata.ts';
import { unlock } from './open-directory.ts';
import { me } from './ownership.ts';

const status = new FileStatus();

/**
 * Does something to the names in open directories, each of which keeps its mode and times. When that is refused and may be allowed
 * to their owner, it is tried once more with all permissions for him. Returns what the work did, 0 or a negative errno.
 */
export function keepingFacts(directories: readonly number[], work: () => number): number {
  const before = directories.map((fd) => {
    const { mode, uid, times } = status.readOpen(fd, 'look at destination directory');
    return { fd, mode, isOwn: uid === me.uid, times: Uint8Array.from(times) };
  });
  let isUnlocked = false;
  try {
    const done = work();
    if (done !== EACCES) return done;
    const closed = before.filter(({ mode, isOwn }) => isOwn && (mode & 0o300) !== 0o300);
    if (closed.length === 0) return done;
    isUnlocked = true;
    for (const { fd } of closed) unlock(fd);
    return work();
  } finally {
    for (const { fd, mode, times } of before) {
      if (isUnlocked) fchmod(fd, mode);
      // Refused to all but its owner
      futimens(fd, times);
    }
  }
}
