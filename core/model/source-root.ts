/**
 * Something that a run copies: a directory whose content goes into the destination, which has no name, or one of several
 * things, each of which is one entry directly below the top of the tape, under its name.
 */
export type SourceRoot = {
  /** Its name at the destination; empty: it is the top itself, and the only root. */
  readonly name: string;
  /** Absolute, as text that stands for bytes. */
  readonly path: string;
  /** The inode that it had when it was scanned; of a file, that of the directory that it is in. */
  readonly inode: string;
  /** True of all that is no directory. */
  readonly isFile?: boolean | undefined;
};

/** True when the top of the tape is no directory of the source: it stands for the destination, and holds the roots. */
export function hasVirtualTop(roots: readonly SourceRoot[]): boolean {
  return roots[0]?.name !== '';
}

/** The root that holds a path of the tape, itself included; undefined where there is none, as for a virtual top. */
export function rootAbove(roots: ReadonlyMap<string, SourceRoot>, path: string): SourceRoot | undefined {
  const slash = path.indexOf('/');
  return roots.get('') ?? roots.get(slash < 0 ? path : path.slice(0, slash));
}

/** The directory that has its inode: itself or, of a file, the one that it is in. */
export function directoryOfRoot({ path, isFile }: Pick<SourceRoot, 'path' | 'isFile'>): string {
  return isFile ? path.slice(0, Math.max(1, path.lastIndexOf('/'))) : path;
}

/** True when two lists name the same things, in whatever order. */
export function areSameRoots(some: readonly SourceRoot[], others: readonly SourceRoot[]): boolean {
  const keys = (roots: readonly SourceRoot[]) => roots.map(({ name, path }) => `${name}/${path}`).sort();
  return JSON.stringify(keys(some)) === JSON.stringify(keys(others));
}
