import { type Filters, hidesEntries } from '../../model/filters.ts';
import { DirectoryNames } from './directory-names.ts';
import { DirectoryStack } from './directory-stack.ts';
import { FileStatus } from './file-status.ts';
import { close, ENOENT, lseek, type NativeName, SEEK_SET } from './libc.ts';
import { followSourceDirectory, openSourceDirectory } from './open-directory.ts';
import { check } from './system-error.ts';
import { openScannedSource } from './two-roots.ts';

export type SourceRequest = {
  readonly source: { readonly path: string; readonly inode: string };
  readonly followsSymlinks: boolean;
  /** What the tape leaves out of the source. */
  readonly filters?: (Filters & { readonly listed?: unknown }) | undefined;
};

/** What a source has at this moment, if it is the directory that was scanned; throws a SystemError where it is not. */
export class SourceNames {
  readonly #root: number;
  readonly #directories: DirectoryStack;
  /** A second way in, for what is looked at while a directory is gone through. */
  readonly #aside: DirectoryStack;
  readonly #names = new DirectoryNames();
  readonly #rootStatus = new FileStatus();
  readonly #status = new FileStatus();
  readonly #hidesEntries: boolean;
  readonly #staysOnDevice: boolean;

  constructor({ source, followsSymlinks, filters = {} }: SourceRequest) {
    this.#root = openScannedSource(source.path, source.inode);
    this.#rootStatus.readOpen(this.#root, 'look at the source');
    const openChild = followsSymlinks ? followSourceDirectory : openSourceDirectory;
    this.#directories = new DirectoryStack(this.#root, openChild);
    this.#aside = new DirectoryStack(this.#root, openChild);
    this.#hidesEntries = hidesEntries(filters);
    this.#staysOnDevice = filters.oneFileSystem === true;
  }

  close(): void {
    this.#directories.close();
    this.#aside.close();
    close(this.#root);
  }

  /** The open directory, until the next call. */
  enter(directory: string): number {
    return this.#directories.enter(directory);
  }

  /** The same by the second way. */
  enterAside(directory: string): number {
    return this.#aside.enter(directory);
  }

  isMissing(directory: number, name: NativeName): boolean {
    const found = this.#status.read(directory, name);
    if (found === ENOENT) return true;
    check(found, 'look at source');
    return false;
  }

  /**
   * False where a name may belong to the source that neither the tape nor the directory shows: filters have kept names from
   * the tape, and the directory is empty, as is one on which nothing is mounted any more, or is left out as another file system.
   */
  showsAll(directory: number): boolean {
    if (!this.#hidesEntries) return true;
    if (this.#staysOnDevice && this.#isElsewhere(directory)) return false;
    this.#names.open(directory);
    lseek(directory, 0, SEEK_SET);
    while (this.#names.fill()) if (this.#names.next()) return true;
    return false;
  }

  /** True of the source itself. */
  isRoot(found: FileStatus): boolean {
    return found.isSameFileAs(this.#rootStatus);
  }

  #isElsewhere(directory: number): boolean {
    return this.#status.readOpen(directory, 'look at source directory').device !== this.#rootStatus.device;
  }
}
