import type { EntryOutcome } from '../../model/outcome.ts';
import type { SystemError } from './system-error.ts';

/** What was done on the source: ENOENT there means that the entry vanished. */
const onSource = new Set(['open source', 'look at source', 'read symlink', 'open source directory']);

export type Failed = { readonly ordinal: number; readonly path: string; readonly bytes: number };

/**
 * The outcome of an entry for which a system call failed. An entry that is gone has vanished, unless the source is
 * not the directory that was scanned: a source that is not mounted here must not look like an empty one.
 */
export function outcomeOf(entry: Failed, error: SystemError, isSourceAsScanned: boolean): EntryOutcome {
  const isGone = error.cause === 'ENOENT' && onSource.has(error.action);
  const outcome = isGone && isSourceAsScanned ? 'vanished' : 'failed';
  const cause = isGone && !isSourceAsScanned ? 'SOURCE_ROOT' : error.cause;
  return { ...entry, outcome, cause, action: error.action };
}
