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

export type LookFound = {
  /** The paths that were marked as the same, and all other files, in the order of the tape. */
  readonly same: readonly string[];
  readonly left: readonly string[];
  readonly plain: Uint8Array;
};

/** Scans the source and looks at the destination too. */
export async function lookAtTrees(request: LookRequest): Promise<LookFound> {
  const destination = openDestination({ path: request.destination });
  if (destination === undefined) throw new Error(`cannot open ${request.destination}`);
  const found = { same: [] as string[], left: [] as string[], parts: [] as Uint8Array[] };
  try {
    let directory = '';
    for await (const { sink, plain } of scan(request, destination)) {
      if (plain !== undefined) found.parts.push(Uint8Array.from(plain));
      directory = sort(sink, directory, found);
    }
  } finally {
    closeDirectory(destination);
  }
  return { same: found.same, left: found.left, plain: Buffer.concat(found.parts) };
}

function scan(request: LookRequest, destination: number) {
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
  const nothing = { spillFile: '/nowhere', probe: false, passOver: undefined, forbidden: undefined };
  const roots = typeof source === 'string' ? [{ name: '', path: source, inode: '' }] : source;
  return scanRoots(
    { ...shape, ...nothing, threads: 0, ...ways, roots, copies },
    new AbortController().signal,
  );
}

/** Returns the directory that is in force at the end of the chunk. */
function sort(
  chunk: TapeChunk,
  directory: string,
  { same, left }: Record<'same' | 'left', string[]>,
): string {
  let inForce = directory;
  for (const entry of chunk.entriesOf('directory', 'file')) {
    if (entry.kind === 'directory') inForce = entry.path;
    else if (entry.kind === 'file') (entry.isSame ? same : left).push(joinPath(inForce, entry.name));
  }
  return inForce;
}
