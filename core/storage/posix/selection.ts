import { joinPath } from '../../model/entry.ts';
import { type EntryFilter, type Filters, filterOf } from '../../model/filters.ts';
import type { CopyLookOptions } from './copy-rules.ts';
import type { DirectoryNames } from './directory-names.ts';
import type { OpenDirectory } from './entry-rules.ts';
import { FileStatus } from './file-status.ts';
import { STATX_BASIC_STATS, STATX_MTIME, STATX_SCAN, STATX_STAMP } from './libc-metadata.ts';
import type { ListedNames } from './listed-names.ts';
import type { WalkTop } from './walk-top.ts';

export type SelectionOptions = {
  /** What is left out; a directory that is left out is not opened. */
  readonly filters?: Filters;
  /** Only these names of these directories; all others are read as they are. */
  readonly listed?: ListedNames;
  /** A symlink is what it leads to. */
  readonly followsSymlinks?: boolean;
  /** Files get stamps. */
  readonly takesStamps?: boolean;
  /** What is at the destination already is looked for too. */
  readonly copies?: CopyLookOptions;
};

/** Which names belong to a walk. Without filters and lists that is all of them, and costs nothing. */
export class Selection {
  /** Whether names may be left out. */
  readonly hasFilter: boolean;
  /** Whether directories of other file systems are kept empty. */
  readonly staysOnDevice: boolean;
  /** What has to be asked of an entry. */
  readonly mask: number;
  readonly #options: SelectionOptions;
  readonly #filter: EntryFilter | undefined;
  /** Of the root of the walk, or of each, by the names of these. */
  readonly #devices = new Map<string, string>();

  constructor(options: SelectionOptions & WalkTop) {
    this.#options = options;
    this.#filter = filterOf(options.filters);
    this.hasFilter = this.#filter !== undefined;
    const ofFilter = this.#filter?.needsFacts ? STATX_MTIME : 0;
    const ofStamp = options.takesStamps === true ? STATX_STAMP : 0;
    this.mask = options.copies === undefined ? STATX_SCAN | ofFilter | ofStamp : STATX_BASIC_STATS;
    this.staysOnDevice = options.filters?.oneFileSystem === true;
    if (!this.staysOnDevice) return;
    for (const { name, fd } of options.roots ?? [{ name: '', fd: options.root }])
      this.#devices.set(name, new FileStatus().readOpen(fd, 'look at the source').device);
  }

  /** True of a directory on another device than the root that it is in. */
  isElsewhere(path: string, directory: FileStatus): boolean {
    if (!this.staysOnDevice) return false;
    const device = this.#devices.get('') ?? this.#devices.get(path.split('/', 1)[0]!);
    return directory.device !== device;
  }

  /** The names that a directory is taken to have; undefined when it is to be read. */
  listedIn(path: string): readonly Uint8Array[] | undefined {
    return this.#options.listed?.get(path);
  }

  /** True for what was listed as a directory that something is in. */
  holdsListed(directory: OpenDirectory, names: DirectoryNames): boolean {
    const { listed } = this.#options;
    return listed?.has(directory.path) === true && listed.has(joinPath(directory.path, names.name));
  }

  /** True when the name in force is left out for what the directory says of it: it is not looked at. */
  leavesOut(directory: OpenDirectory, names: DirectoryNames): boolean {
    return this.#isKindKnown(names) && this.#excludes(directory, names, names.type === 'directory');
  }

  /** The same for one that was looked at; a `result` below 0 is why that failed. */
  leavesOutSeen(directory: OpenDirectory, names: DirectoryNames, result: number, seen: FileStatus): boolean {
    if (!this.hasFilter) return false;
    const isDirectory = result >= 0 && seen.type === 'directory';
    if (!this.#isKindKnown(names) && this.#excludes(directory, names, isDirectory)) return true;
    return result >= 0 && !isDirectory && this.leavesOutBy(seen);
  }

  /** True when something that is no directory is left out for its size or age. */
  leavesOutBy(seen: FileStatus): boolean {
    if (this.#filter?.needsFacts !== true) return false;
    const { type, bytes, mtimeMs } = seen;
    return this.#filter.excludesBy({ isFile: type === 'file', bytes, mtimeMs });
  }

  #isKindKnown(names: DirectoryNames): boolean {
    return names.type !== 'unknown' && !(this.#options.followsSymlinks === true && names.isSymlink);
  }

  #excludes({ path }: OpenDirectory, { name }: DirectoryNames, isDirectory: boolean): boolean {
    return this.#filter?.excludes(path, name, isDirectory) === true;
  }
}
