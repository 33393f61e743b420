import { type Filters, hidesEntries } from '../../model/filters.ts';
import type { SourceRoot } from '../../model/source-root.ts';
import { DirectoryNames } from './directory-names.ts';
import { FileStatus } from './file-status.ts';
import { ENOENT, lseek, type NativeName, SEEK_SET } from './libc.ts';
import { openScannedSource, type SourceTree } from './source-tree.ts';
import { check, SystemError } from './system-error.ts';

export type SourceRequest = {
  readonly roots: readonly SourceRoot[];
  readonly followsSymlinks: boolean;
  /** What the tape leaves out of the source. */
  readonly filters?: (Filters & { readonly listed?: unknown }) | undefined;
};

/** What a source has at this moment, if its roots are what was scanned; throws a SystemError where they are not. */
export class SourceNames {
  /** True when the top is no directory of the source. */
  readonly isVirtual: boolean;
  readonly #tree: SourceTree;
  /** A second way in, for what is looked at while a directory is gone through. */
  readonly #aside: SourceTree;
  readonly #names = new DirectoryNames();
  readonly #status = new FileStatus();
  readonly #hidesEntries: boolean;
  readonly #staysOnDevice: boolean;

  constructor({ roots, followsSymlinks, filters = {} }: SourceRequest) {
    this.#tree = openScannedSource(roots, followsSymlinks);
    this.#aside = openScannedSource(roots, followsSymlinks);
    this.isVirtual = this.#tree.isVirtual;
    this.#hidesEntries = hidesEntries(filters);
    this.#staysOnDevice = filters.oneFileSystem === true;
  }

  close(): void {
    this.#tree.close();
    this.#aside.close();
  }

  /** The open directory, until the next call. */
  enter(directory: string): number {
    return enterScanned(this.#tree, directory);
  }

  /** The same by the second way. */
  enterAside(directory: string): number {
    return enterScanned(this.#aside, directory);
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
  showsAll(path: string, directory: number): boolean {
    if (!this.#hidesEntries) return true;
    if (this.#staysOnDevice && this.#isElsewhere(path, directory)) return false;
    this.#names.open(directory);
    lseek(directory, 0, SEEK_SET);
    while (this.#names.fill()) if (this.#names.next()) return true;
    return false;
  }

  /** True of a root itself. */
  isRoot(found: FileStatus): boolean {
    return this.#tree.isRoot(found);
  }

  #isElsewhere(path: string, directory: number): boolean {
    const { device } = this.#status.readOpen(directory, 'look at source directory');
    return device !== this.#tree.deviceOf(path);
  }
}

/** A root is opened again when a path leads back to it, and may have been unmounted since. */
function enterScanned(tree: SourceTree, directory: string): number {
  const fd = tree.directory(directory);
  if (!tree.isAsScanned(directory)) throw new SystemError('SOURCE_ROOT', 'open the source');
  return fd;
}
