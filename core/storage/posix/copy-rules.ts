import type { FileStatus } from './file-status.ts';
import { mayGive, me } from './ownership.ts';

const typeMask = 0o170000;
const setIdBits = 0o6000;

/** What the scan has to know to look at the destination too: plain data, since threads get it. */
export type CopyLookOptions = {
  /** The destination, open. */
  readonly destination: number;
  readonly keepsMode: boolean;
  readonly keepsOwner: boolean;
  /** Attributes or ACLs. */
  readonly keepsAttributes: boolean;
  /** Digests of groups that earlier runs have found to have no attributes (a DigestSet). */
  readonly plain: SharedArrayBuffer;
  /** The same of files that earlier runs have copied (PlainRuns). */
  readonly plainCopies: SharedArrayBuffer;
  /** What was changed after this, in seconds since 1970, is not remembered to have none. */
  readonly settledBefore: number;
};

/** By what a file is known to be at the destination already, from the status of both sides. */
export class CopyRules {
  readonly #modeMask: number;
  readonly #ownerMask: number;

  constructor({ keepsMode, keepsOwner }: Pick<CopyLookOptions, 'keepsMode' | 'keepsOwner'>) {
    this.#modeMask = keepsMode ? 0xffff : typeMask;
    this.#ownerMask = keepsOwner ? -1 : 0;
  }

  /** False of what no copy keeps whole, or this user cannot keep: that has to be told each time. */
  mayBeKnown(source: FileStatus): boolean {
    if (source.type !== 'file' || source.isImmutable || source.isAppendOnly) return false;
    return (source.mode & setIdBits) === 0 && this.#mayKeepOwner(source);
  }

  isCopy(copy: FileStatus, source: FileStatus): boolean {
    return copy.isCopyOf(source, this.#modeMask, this.#ownerMask);
  }

  #mayKeepOwner({ uid, gid }: FileStatus): boolean {
    return me.uid === 0 || this.#ownerMask === 0 || (uid === me.uid && mayGive(gid));
  }
}
