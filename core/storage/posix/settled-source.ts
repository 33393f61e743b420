import { FileStatus } from './file-status.ts';

/** Within this a second change may leave the same ctime behind: kernels before 6.13 move its clock on every 10 ms at most. */
const tickMs = 15;
/** The same where ctime has no fractions (old NFS servers, HFS, FAT). */
const longTickMs = 2000;
/** A server's clock may go before ours by so much that it matters; files from a farther future are only misdated. */
const aheadMs = 60_000;

const again = new FileStatus();
const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * True when every later change of an open file will show in its ctime, so that an equal one afterwards proves that nobody wrote
 * to it. A file that was changed just now is waited for until the clock of its file system has moved on; false when it was
 * changed again meanwhile. Costs nothing for any other file. Throws a SystemError.
 */
export function isSettled(source: number, status: FileStatus, now = Date.now): boolean {
  const tick = status.ctimeHasFraction ? tickMs : longTickMs;
  const age = now() - status.ctimeMs;
  if (age >= tick || age < -aheadMs) return true;
  Atomics.wait(never, 0, 0, tick);
  return again.readAgain(source, 'look at source').isUnchangedSince(status);
}
