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
  /** Symlinks are copied as what they are. */
  readonly keepsSymlinks: boolean;
  /** Attributes or ACLs. */
  readonly keepsAttributes: boolean;
  /** Attributes and ACLs. */
  readonly keepsAllAttributes: boolean;
  /** Digests of groups that earlier runs have found to have no attributes (a DigestSet). */
  readonly plain: SharedArrayBuffer;
  /** The same of files that earlier runs have copied (PlainRuns). */
  readonly plainCopies: SharedArrayBuffer;
  /** What was changed after this, in seconds since 1970, is not remembered to have none. */
  readonly settledBefore: number;
};

export type KeptOfCopies = Pick<CopyLookOptions, 'keepsMode' | 'keepsOwner' | 'keepsSymlinks'>;

/** By what a file is known to be at the destination already, from the status of both sides. */
export class CopyRules {
  readonly #keepsMode: boolean;
  readonly #keepsSymlinks: boolean;
  readonly #modeMask: number;
  readonly #ownerMask: number;

  constructor({ keepsMode, keepsOwner, keepsSymlinks }: KeptOfCopies) {
    this.#keepsMode = keepsMode;
    this.#keepsSymlinks = keepsSymlinks;
    this.#modeMask = keepsMode ? 0xffff : typeMask;
    this.#ownerMask = keepsOwner ? -1 : 0;
  }

  /** False of what no copy keeps whole, or this user cannot keep: that has to be told each time. */
  mayBeKnown(source: FileStatus): boolean {
    return source.type === 'file' && this.#mayBeKept(source);
  }

  /** The same of a symlink, by its own status. */
  mayBeKnownSymlink(source: FileStatus): boolean {
    return this.#keepsSymlinks && this.#mayBeKept(source);
  }

  /** Where modes are not kept, that of a directory is another. */
  isSameDirectory(copy: FileStatus, source: FileStatus): boolean {
    if (!this.#keepsMode || !this.#mayBeKept(source)) return false;
    return copy.hasSameMetadataAs(source, this.#modeMask, this.#ownerMask);
  }

  #mayBeKept(source: FileStatus): boolean {
    if (source.isImmutable || source.isAppendOnly) return false;
    const keepsSetId = this.#keepsMode && this.#ownerMask !== 0;
    return (keepsSetId || (source.mode & setIdBits) === 0) && this.#mayKeepOwner(source);
  }

  isCopy(copy: FileStatus, source: FileStatus): boolean {
    return copy.isCopyOf(source, this.#modeMask, this.#ownerMask);
  }

  #mayKeepOwner({ uid, gid }: FileStatus): boolean {
    return me.uid === 0 || this.#ownerMask === 0 || (uid === me.uid && mayGive(gid));
  }
}
