import {
  AT_FDCWD,
  AT_SYMLINK_FOLLOW,
  close,
  EEXIST,
  type NativeName,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_TMPFILE,
  O_WRONLY,
  openat,
} from './libc.ts';
import { linkat, renameat, unlinkat } from './libc-names.ts';
import { check } from './system-error.ts';

/** Where a file is being made. */
export type FilePlace = {
  readonly destinationDirectory: number;
  readonly name: NativeName;
  /** The name it has meanwhile where it needs one. */
  readonly temporary: NativeName;
  readonly directory: { readonly device: number };
};

/** Devices on which a file cannot be made without a name (NFS, Lustre), or not be named afterwards; asked once. */
const namedOnly = new Set<number>();

/**
 * A file that is being made, of mode 0600. It has no name before `publish` where the file system can do that
 * (O_TMPFILE, open(2)): then a killed worker leaves nothing behind, and ext4, xfs and btrfs need a quarter less
 * time than for a temporary name and a rename. Elsewhere it has a temporary name.
 */
export class NewFile {
  readonly fd: number;
  readonly #place: FilePlace;
  /** True when it has its temporary name. */
  #isNamed: boolean;

  /** Throws a SystemError when the file cannot be made. */
  constructor(place: FilePlace) {
    const unnamed = createUnnamed(place);
    this.#place = place;
    this.#isNamed = unnamed === undefined;
    this.fd = unnamed ?? createNamed(place);
  }

  /** Gives it its name, in place of what has it. False when it has to be made again, with a temporary name. */
  publish(): boolean {
    const { destinationDirectory, temporary, name, directory } = this.#place;
    let linked = this.#isNamed ? EEXIST : this.#link(name);
    if (linked === 0) return true;
    if (!this.#isNamed && linked === EEXIST) linked = this.#linkTemporary();
    if (!this.#isNamed && linked !== 0) {
      namedOnly.add(directory.device);
      return false;
    }
    this.#isNamed = true;
    check(renameat(destinationDirectory, temporary, destinationDirectory, name), 'rename');
    return true;
  }

  /** Closes it; one that was not published is gone then. */
  close(isPublished: boolean): void {
    const { destinationDirectory, temporary } = this.#place;
    if (this.#isNamed && !isPublished) unlinkat(destinationDirectory, temporary, 0);
    close(this.fd);
  }

  /** By way of /proc: AT_EMPTY_PATH is for root alone before Linux 6.10. */
  #link(name: NativeName): number {
    const path = `/proc/self/fd/${this.fd}`;
    return linkat(AT_FDCWD, path, this.#place.destinationDirectory, name, AT_SYMLINK_FOLLOW);
  }

  #linkTemporary(): number {
    const { destinationDirectory, temporary } = this.#place;
    const linked = this.#link(temporary);
    if (linked !== EEXIST) return linked;
    unlinkat(destinationDirectory, temporary, 0);
    return this.#link(temporary);
  }
}

function createUnnamed({ destinationDirectory, directory }: FilePlace): number | undefined {
  if (namedOnly.has(directory.device)) return undefined;
  const fd = openat(destinationDirectory, '.', O_WRONLY | O_TMPFILE | O_CLOEXEC, 0o600);
  if (fd >= 0) return fd;
  if (isUnsupported(fd)) namedOnly.add(directory.device);
  return undefined;
}

/** EOPNOTSUPP, and what kernels (EISDIR, ENOENT) and file systems (EINVAL, ENOSYS) say that have never heard of it. */
function isUnsupported(result: number): boolean {
  return [-95, -21, -2, -22, -38].includes(result);
}

/** A file that was not there; one of the same name was left by this writer's own earlier try. */
function createNamed({ destinationDirectory, temporary }: FilePlace): number {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  let fd = openat(destinationDirectory, temporary, flags, 0o600);
  if (fd === EEXIST) {
    unlinkat(destinationDirectory, temporary, 0);
    fd = openat(destinationDirectory, temporary, flags, 0o600);
  }
  return check(fd, 'create');
}
