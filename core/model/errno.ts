/**
 * transient: may go away by itself, tried again. vanished: the source entry is gone, an outcome and no failure.
 * permanent: a person must act, the rest goes on. hopeless: nothing more can be written, the shard ends.
 */
export type ErrnoClass = 'transient' | 'vanished' | 'permanent' | 'hopeless';

const transient = new Set([
  'EAGAIN',
  'EBUSY',
  'EINTR',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ESTALE',
  'ETIMEDOUT',
  'ECONNRESET',
  'ENETDOWN',
  'ENETUNREACH',
  'EHOSTDOWN',
]);
const hopeless = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/** The class of a cause. ENOENT is `vanished` only where the caller knows that it came from the source. */
export function classOf(cause: string): ErrnoClass {
  if (transient.has(cause)) return 'transient';
  return hopeless.has(cause) ? 'hopeless' : 'permanent';
}
