import { hasVirtualTop, type SourceRoot } from '../../model/source-root.ts';
import { DirectoryNames } from './directory-names.ts';
import { EntryRules, type Found, type Looked, probeFlags, type RuleOptions } from './entry-rules.ts';
import type { EntrySink } from './entry-sink.ts';
import { FileStatus } from './file-status.ts';
import { AT_FDCWD, close, ENOENT, nativeName, openat } from './libc.ts';
import { listNames } from './listed-names.ts';
import type { WalkedChunk } from './parallel-walk.ts';
import { openScanned, type ParallelScanRequest, scanTreeInParallel, walkInParallel } from './scan.ts';
import type { WalkRoot } from './walk-top.ts';

export type RootsScanRequest<S extends EntrySink> = Omit<
  ParallelScanRequest<S>,
  'path' | 'roots' | 'first'
> & {
  readonly roots: readonly SourceRoot[];
};

/**
 * Scans what a run is to copy: one tree, or several roots, one after the other, below a top that is no directory of
 * theirs. Throws a SystemError when a directory of them cannot be opened; the reason of the signal once it is aborted.
 */
export async function* scanRoots<S extends EntrySink>(
  { roots, ...request }: RootsScanRequest<S>,
  signal: AbortSignal,
): AsyncGenerator<WalkedChunk<S>> {
  if (!hasVirtualTop(roots)) {
    yield* scanTreeInParallel({ ...request, path: roots[0]!.path }, signal);
    return;
  }
  const sink = request.sinks.make();
  const { directories, excluded } = lookAtRoots(roots, request, sink);
  yield { sink, directory: '', excluded };
  const opened: WalkRoot[] = [];
  try {
    for (const { name, path } of roots)
      if (directories.includes(name)) opened.push({ name, fd: openScanned(path) });
    if (opened.length === 0) return;
    yield* walkInParallel({ ...request, root: noDirectory, roots: opened, first: directories }, signal);
  } finally {
    for (const { fd } of opened) close(fd);
  }
}

const noDirectory = -1;

/** Gives the top and all roots in it but directories to the sink: these are found, unless they are left out. */
function lookAtRoots(
  roots: readonly SourceRoot[],
  {
    filters,
    followsSymlinks,
    probe,
    keepsLinks,
  }: Pick<RuleOptions, 'filters' | 'followsSymlinks' | 'probe' | 'keepsLinks'>,
  sink: EntrySink,
): Found {
  const found: Found = { directories: [], excluded: 0 };
  const rules = new EntryRules({
    ...{ root: noDirectory, roots: [], probe, passOver: undefined, forbidden: undefined },
    ...(filters === undefined ? {} : { filters: { ...filters, oneFileSystem: false } }),
    ...(followsSymlinks === undefined ? {} : { followsSymlinks }),
    ...(keepsLinks === undefined ? {} : { keepsLinks }),
  });
  const byName = new Map(roots.map(({ name, path }) => [name, path]));
  const names = new DirectoryNames();
  names.open(noDirectory, listNames(new Set(byName.keys()))?.get(''));
  sink.directory('');
  while (names.fill())
    while (names.next()) {
      const looked = look(byName.get(names.name)!, rules);
      if (looked.result === ENOENT) sink.unreadable(names.buffer, names.start, 'MISSING');
      else rules.settle({ fd: noDirectory, path: '' }, names, looked, sink, found);
    }
  return found;
}

function look(path: string, rules: EntryRules): Looked {
  const looked = { result: 0, status: new FileStatus() };
  looked.result = looked.status.read(AT_FDCWD, nativeName(path));
  if (!rules.needsProbe(looked.result, looked.status)) return looked;
  const fd = openat(AT_FDCWD, nativeName(path), probeFlags, 0);
  if (fd >= 0) close(fd);
  looked.result = rules.probed(fd);
  return looked;
}
