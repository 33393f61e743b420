import { joinPath } from './entry.ts';
import { compilePattern, type Pattern } from './pattern.ts';

/** One of --exclude and --include: the first whose pattern fits decides. */
export type FilterRule = { readonly kind: 'exclude' | 'include'; readonly pattern: string };

/** What of the source is copied, as plain data; what is left out of it leaves nothing out. */
export type Filters = {
  readonly rules?: readonly FilterRule[] | undefined;
  /** Files, symlinks and specials last written at this time or after it; before it. In milliseconds since 1970. */
  readonly newerMs?: number | undefined;
  readonly olderMs?: number | undefined;
  /** Files of at least, and at most, so many bytes. */
  readonly minBytes?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly directoriesOnly?: boolean | undefined;
  /** A directory on another device than the source is kept, and nothing that is in it. */
  readonly oneFileSystem?: boolean | undefined;
};

/** What a look at an entry tells. */
export type FilterFacts = { readonly isFile: boolean; readonly bytes: number; readonly mtimeMs: number };

type Rule = Pattern & { readonly isExclude: boolean };

/** Filters ready to be asked. What it says of a path depends on nothing but the filters. */
export class EntryFilter {
  /** Whether an entry that is no directory has to be looked at. */
  readonly needsFacts: boolean;
  readonly #filters: Filters;
  readonly #rules: readonly Rule[];

  /** Throws a PatternError. */
  constructor(filters: Filters) {
    const { rules = [], newerMs, olderMs, minBytes, maxBytes } = filters;
    this.#filters = filters;
    this.#rules = rules.map(({ kind, pattern }) => ({
      ...compilePattern(pattern),
      isExclude: kind === 'exclude',
    }));
    this.needsFacts = [newerMs, olderMs, minBytes, maxBytes].some((limit) => limit !== undefined);
  }

  /**
   * True when an entry is left out for its path, relative to the source or the destination, and its kind. Of what is
   * in a directory that is left out nothing is known here: see `excludesWithin`.
   */
  excludes(directory: string, name: string, isDirectory: boolean): boolean {
    if (this.#filters.directoriesOnly === true && !isDirectory) return true;
    let path: string | undefined;
    for (const { onlyDirectories, isOfPath, isOfTree, fits, isExclude } of this.#rules) {
      if (onlyDirectories && !isDirectory) continue;
      if (isOfPath) path ??= joinPath(directory, name);
      const compared = isOfPath ? path! : name;
      if (fits(isOfTree && isDirectory ? `${compared}/` : compared)) return isExclude;
    }
    return false;
  }

  /** True when a path is left out, or a directory that it is in. The source itself never is. */
  excludesWithin(path: string, isDirectory: boolean): boolean {
    if (path === '') return false;
    const steps = path.split('/');
    return steps.some((name, at) =>
      this.excludes(steps.slice(0, at).join('/'), name, isDirectory || at < steps.length - 1),
    );
  }

  /** True when an entry that is no directory is left out for its size or age. */
  excludesBy({ isFile, bytes, mtimeMs }: FilterFacts): boolean {
    const { newerMs, olderMs, minBytes, maxBytes } = this.#filters;
    if (newerMs !== undefined && mtimeMs < newerMs) return true;
    if (olderMs !== undefined && mtimeMs >= olderMs) return true;
    if (!isFile) return false;
    return (minBytes !== undefined && bytes < minBytes) || (maxBytes !== undefined && bytes > maxBytes);
  }
}

/**
 * True when something of the source may be missing from the tape although no rule leaves it out: that a name is not on
 * the tape does not tell then that the source has none.
 */
export function hidesEntries(filters: Filters & { readonly listed?: unknown }): boolean {
  const { newerMs, olderMs, minBytes, maxBytes, oneFileSystem, listed } = filters;
  return [newerMs, olderMs, minBytes, maxBytes, oneFileSystem || undefined, listed].some(
    (one) => one !== undefined,
  );
}

/** Undefined when these filters leave nothing out. */
export function filterOf(filters: Filters | undefined): EntryFilter | undefined {
  const isEmpty = filters === undefined || Object.values(filters).every((value) => isNothing(value));
  return isEmpty ? undefined : new EntryFilter(filters);
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === false || (Array.isArray(value) && value.length === 0);
}
