import { type IsSafe, isOwnName } from '../model/removal.ts';
import type { RunInfo } from './run-info.ts';

/** What a run leaves alone at its destination though the source does not have it: bcopy's own names, and those that it was told to exclude. */
export function safeNamesOf(info: RunInfo): IsSafe {
  const isExcluded = excludedBy(info);
  return (path, kind) => isOwnName(path) || isExcluded(path, kind);
}

/** Nothing is excluded as long as a run has no patterns. */
function excludedBy(_info: RunInfo): IsSafe {
  return () => false;
}
