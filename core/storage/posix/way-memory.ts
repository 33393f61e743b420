import type { Way } from '../../model/ways.ts';
import { EACCES, EOPNOTSUPP, EPERM } from './libc.ts';
import { EBADF, EINVAL, ENOSYS, ENOTSUPP, ENOTTY, ETXTBSY, EXDEV } from './libc-content.ts';

/** Said of a pair of file systems, or of the kernel: no other file will fare better. */
const lasting = new Set([EXDEV, EOPNOTSUPP, ENOTSUPP, ENOSYS, ENOTTY]);
/** Said of one file (no checksums, immutable), but by older kernels and in containers of all. */
const doubtful = new Set([EINVAL, EPERM, EACCES]);
/** Said of one file alone: it is used as swap, or open in another way. */
const ofOneFile = new Set([ETXTBSY, EBADF]);
/** So many doubtful answers in a row are taken for a lasting one. */
const doubtsAtMost = 8;

/** True of an answer that means: take another way. All else is a fault of the file, or of the disk. */
export function isRefusal(result: number): boolean {
  return lasting.has(result) || doubtful.has(result) || ofOneFile.has(result);
}

/** Which ways are open from one file system to another, as far as was found out. */
export class PairWays {
  readonly #closed = new Set<Way>();
  readonly #doubts = new Map<Way, number>();

  isOpen(way: Way): boolean {
    return !this.#closed.has(way);
  }

  worked(way: Way): void {
    if (this.#doubts.size > 0) this.#doubts.delete(way);
  }

  /** Takes in the negative errno that a way has answered. */
  refused(way: Way, result: number): void {
    if (lasting.has(result)) this.#closed.add(way);
    if (!doubtful.has(result)) return;
    const doubts = (this.#doubts.get(way) ?? 0) + 1;
    this.#doubts.set(way, doubts);
    if (doubts >= doubtsAtMost) this.#closed.add(way);
  }
}

/**
 * Remembers for each pair of file systems what they have refused, so that it is asked for once and not for every
 * file. By pair, since another file system may be mounted anywhere in the source.
 */
export class WayMemory {
  readonly #pairs = new Map<number, Map<number, PairWays>>();

  /** Of two devices, as small integers. */
  of(source: number, destination: number): PairWays {
    const known = this.#pairs.get(source)?.get(destination);
    if (known !== undefined) return known;
    const pair = new PairWays();
    const fromSource = this.#pairs.get(source) ?? new Map<number, PairWays>();
    this.#pairs.set(source, fromSource.set(destination, pair));
    return pair;
  }
}
