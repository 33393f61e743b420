import type { Comparison } from '../../model/compare.ts';
import type { EntryOutcome } from '../../model/outcome.ts';
import type { ContentCopy } from './copy-content.ts';
import type { FileDirectories } from './divided-file.ts';
import { type Failed, outcomeOf } from './entry-outcome.ts';
import type { Keeper } from './keeper.ts';
import { nativeName } from './libc.ts';
import { SystemError } from './system-error.ts';
import { partsName, type Writer } from './temporary-names.ts';
import type { Trees } from './trees.ts';

/** Two open trees, and how is copied from one to the other, whatever is asked for. */
export type CopyMeans = {
  readonly trees: Trees;
  readonly writer: Writer;
  readonly keeper: Keeper;
  readonly compare: Comparison;
  readonly content: ContentCopy;
  /** True: a file that is there is copied again, however much it looks like a copy. */
  readonly doubtsFiles: boolean;
};

export type SourceEntry = Pick<FileDirectories, 'sourceDirectory' | 'sourceName'>;

/** A file that is copied in pieces, at both sides. Throws a SystemError where a directory of it cannot be opened. */
export function dividedFileAt(means: CopyMeans, ordinal: number, path: string): FileDirectories {
  const { trees, writer, keeper, compare, doubtsFiles: isDoubted } = means;
  const [directory, name] = splitPath(path);
  const source = sourceEntryAt(means, directory, name);
  const destinationDirectory = trees.destinationDirectory(directory);
  return {
    ...source,
    destinationDirectory,
    directory: trees.factsOf(destinationDirectory),
    name: nativeName(name),
    temporary: partsName(writer.run, ordinal),
    keeper,
    compare,
    isDoubted,
  };
}

/** Throws a SystemError where the directory cannot be opened. */
export function sourceEntryAt({ trees }: CopyMeans, path: string, entry: string): SourceEntry {
  const { directory: sourceDirectory, name: sourceName } = trees.sourcePlace(path, entry);
  return { sourceDirectory, sourceName };
}

/** The outcome of an entry that could not be copied; throws what is no SystemError. */
export function outcomeFor(
  { trees }: CopyMeans,
  { ordinal, path, bytes }: Failed,
  error: unknown,
): EntryOutcome {
  if (!(error instanceof SystemError)) throw error;
  return outcomeOf({ ordinal, path, bytes }, error, trees.source.isAsScanned(path));
}

export function splitPath(path: string): [directory: string, name: string] {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)];
}
