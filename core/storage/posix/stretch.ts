/**
 * A piece of the walk that is done at once, and alone: directories with what lies below them, as a stack (the last
 * comes first), or the rest of one directory.
 */
export type Stretch =
  | { readonly kind: 'directories'; readonly paths: readonly string[] }
  | { readonly kind: 'rest'; readonly rest: DirectoryRest };

/** What has not been read of a directory. `fd` is its owner's: whoever takes the stretch closes it or gives it on. */
export type DirectoryRest = {
  readonly path: string;
  readonly fd: number;
  /** Names that were read but not looked at; they come first. */
  readonly names?: Uint8Array;
  /** Where its names are listed: the block of them that comes next. */
  readonly block?: number;
};

/** How far it went. What remains of a stretch is, in the order of the walk: `rest`, then `pending` from its end. */
export type StretchEnd = {
  readonly pending: string[];
  readonly rest?: DirectoryRest;
  /** How many names, and directories, were gone through. */
  readonly names: number;
  readonly directories: number;
  /** How many were left out by filters. */
  readonly excluded: number;
  /** Digests of groups of files that have no attributes, here and at the destination (see CopyLook). */
  readonly plain?: Uint8Array | undefined;
  /** The file system took so long for each name that many should be looked at at once. */
  readonly isSlow: boolean;
  /** The forbidden directory was met here: the walk ends. */
  readonly forbidden?: string;
};

/** The path of the directory in force where a stretch begins. */
export function directoryOf(stretch: Stretch): string {
  return stretch.kind === 'rest' ? stretch.rest.path : '';
}
