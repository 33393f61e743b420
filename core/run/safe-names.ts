import { filterOf } from '../model/filters.ts';
import { type IsSafe, isOwnName } from '../model/removal.ts';
import type { RunInfo } from './run-info.ts';

/** What a run leaves alone at its destination though the source does not have it: bcopy's own names, and those that it was told to exclude. */
export function safeNamesOf(info: RunInfo): IsSafe {
  const isExcluded = excludedBy(info);
  return (path, kind) => isOwnName(path) || isExcluded(path, kind);
}

/** By its path alone: its size and age are of the copy, and not of what the filters asked about. */
function excludedBy({ filters }: RunInfo): IsSafe {
  const filter = filterOf({ rules: filters?.rules, directoriesOnly: filters?.directoriesOnly });
  if (filter === undefined) return () => false;
  return (path, kind) => filter.excludesWithin(path, kind === 'directory');
}
