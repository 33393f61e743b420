import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DigestSet } from '../../core/model/digest-set.ts';
import { joinPath } from '../../core/model/entry.ts';
import { PlainRuns } from '../../core/model/plain-runs.ts';
import type { SourceRoot } from '../../core/model/source-root.ts';
import { type TapeChunk, tapeChunks } from '../../core/run/tape-chunk.ts';
import type { CopyLookOptions } from '../../core/storage/posix/copy-rules.ts';
import { closeDirectory, openDestination } from '../../core/storage/posix/open-destination.ts';
import { scanRoots } from '../../core/storage/posix/scan-roots.ts';
import type { Ways } from './scan-tapes.ts';

/** Two trees that are looked at as a local run does; plain data. */
export type LookRequest = {
  readonly source: string | readonly SourceRoot[];
  readonly destination: string;
  readonly ways?: Pick<Ways, 'isSlow' | 'threads' | 'namesAtMost' | 'filters' | 'keepsLinks' | 'probe'>;
  readonly options?: Partial<Omit<CopyLookOptions, 'destination' | 'plain' | 'plainCopies'>>;
  /** Digests that an earlier look has left. */
  readonly plain?: Uint8Array;
  /** What a copy has left. */
  readonly plainCopies?: Uint8Array;
  /** Where there are to be threads: the installed bcopy. */
  readonly installed?: string;
};

/** The paths that were marked as the same, and all others, in the order of the tape. */
type Sorted = { readonly same: readonly string[]; readonly left: readonly string[] };

/** The files, and what else is looked at. */
export type LookFound = Sorted & {
  readonly directories: Sorted;
  readonly symlinks: Sorted;
  readonly plain: Uint8Array;
};

/** Scans the source and looks at the destination too. */
export async function lookAtTrees(
  request: LookRequest,
  signal = new AbortController().signal,
): Promise<LookFound> {
  const destination = openDestination({ path: request.destination });
  if (destination === undefined) throw new Error(`cannot open ${request.destination}`);
  const found = { file: nothing(), directory: nothing(), symlink: nothing() };
  const parts: Uint8Array[] = [];
  try {
    let directory = '';
    for await (const { sink, plain } of scan(request, destination, signal)) {
      if (plain !== undefined) parts.push(Uint8Array.from(plain));
      directory = sort(sink, directory, found);
    }
  } finally {
    closeDirectory(destination);
  }
  const { file, directory: directories, symlink: symlinks } = found;
  return { ...file, directories, symlinks, plain: Buffer.concat(parts) };
}

function scan(request: LookRequest, destination: number, signal: AbortSignal) {
  const { source, ways, options, plain, plainCopies, installed } = request;
  const copies: CopyLookOptions = {
    destination,
    keepsMode: true,
    keepsOwner: true,
    keepsSymlinks: true,
    keepsAttributes: true,
    keepsAllAttributes: true,
    // All is old enough
    settledBefore: Number.MAX_SAFE_INTEGER,
    ...options,
    plain: DigestSet.of(plain ?? new Uint8Array()).shared,
    plainCopies: PlainRuns.of(plainCopies === undefined ? [] : [plainCopies]).shared,
  };
  const program = join(installed ?? '/nowhere', 'dist/js/cli/scan-thread.js');
  const shape = { sinks: tapeChunks, threadProgram: pathToFileURL(program), aloneNames: 0, aloneMs: 0 };
  const bare = { spillFile: '/nowhere', probe: false, passOver: undefined, forbidden: undefined };
  const roots = typeof source === 'string' ? [{ name: '', path: source, inode: '' }] : source;
  return scanRoots({ ...shape, ...bare, threads: 0, ...ways, roots, copies }, signal);
}

type Growing = { readonly same: string[]; readonly left: string[] };

function nothing(): Growing {
  return { same: [], left: [] };
}

/** Returns the directory that is in force at the end of the chunk. */
function sort(
  chunk: TapeChunk,
  directory: string,
  found: Readonly<Record<'file' | 'directory' | 'symlink', Growing>>,
): string {
  let inForce = directory;
  for (const entry of chunk.entriesOf('directory', 'file', 'symlink')) {
    if (entry.kind === 'directory') inForce = entry.path;
    else if (entry.kind !== 'file' && entry.kind !== 'symlink') continue;
    const path = entry.kind === 'directory' ? entry.path : joinPath(inForce, entry.name);
    found[entry.kind][entry.isSame ? 'same' : 'left'].push(path);
  }
  return inForce;
}
