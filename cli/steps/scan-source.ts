import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { joinPath } from '../../core/model/entry.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, quoteNames } from '../../core/model/names.ts';
import type { Tally } from '../../core/model/outcome.ts';
import type { Totals } from '../../core/model/plan.ts';
import { LookedWriter } from '../../core/run/looked-file.ts';
import { PlainCollector } from '../../core/run/plain-file.ts';
import type { RunPaths } from '../../core/run/run-paths.ts';
import { runsDirectory } from '../../core/run/run-paths.ts';
import { type TapeChunk, tapeChunks } from '../../core/run/tape-chunk.ts';
import { type FirstOf, TapeWriter } from '../../core/run/tape-writer.ts';
import { HardLinkTable } from '../../core/storage/posix/hard-link-table.ts';
import type { WalkedChunk } from '../../core/storage/posix/parallel-walk.ts';
import { identityOf } from '../../core/storage/posix/scan.ts';
import { type RootsScanRequest, scanRoots } from '../../core/storage/posix/scan-roots.ts';
import type { CopiesLook } from './look-at-copies.ts';
import { packagePaths } from './package-paths.ts';
import type { CheckedTrees } from './preflight.ts';
import type { Selection } from './read-selection.ts';

export type ScanOptions = {
  /** Open every file to see that this user can read it. */
  readonly probe: boolean;
  /** False: each name of a file is copied as a file of its own. */
  readonly keepsLinks: boolean;
  /** A symlink is copied as what it leads to. */
  readonly followsSymlinks: boolean;
  /** True: files get stamps on the tape, where something is at the destination already. */
  readonly takesStamps?: boolean;
  /** The scan looks at the destination too; left out: the workers do. */
  readonly copies?: CopiesLook | undefined;
  /** What of the source is to be on the tape. */
  readonly selection: Selection;
  readonly onProgress: (totals: Totals) => void;
  readonly signal: AbortSignal;
};

export type Unreadable = { readonly path: string; readonly errno: string };

/** So many unreadable entries are kept to be told; the totals count them all. */
const unreadableAtMost = 1000;
/**
 * So many threads help: more would only wait for this one, which writes the tape. Each takes memory and, when it
 * starts, time: a scan that is done by then has none.
 */
const helpersAtMost = Math.min(availableParallelism() - 1, 3);
const listedAtMost = 100_000;
const aloneNames = 120_000;
const aloneMs = 1000;

export type ScannedSource = {
  readonly totals: Totals;
  readonly unreadable: readonly Unreadable[];
  /** The entries that are known to be at the destination already; undefined where the scan has not looked. */
  readonly same: Tally | undefined;
};

/** Scans all sources once and writes the tape; memory does not grow with the tree. */
export async function scanSource(
  paths: RunPaths,
  trees: CheckedTrees,
  options: ScanOptions,
): Promise<ScannedSource> {
  keepHeapSmall();
  const looked = options.copies && new LookedWriter(paths);
  const plain = new PlainCollector();
  const tape = new TapeWriter(paths, looked);
  const unreadable: Unreadable[] = [];
  const links = new HardLinkTable();
  const firstOf: FirstOf = ({ device, inodeLow, inodeHigh, names }, ordinal) =>
    links.firstOf(device, inodeLow, inodeHigh, ordinal, names);
  let excluded = 0;
  try {
    for await (const { sink, directory, excluded: more, plain: found } of scan(paths, trees, options)) {
      const counted = tape.totals.unreadable;
      tape.addChunk(sink, firstOf);
      excluded += more;
      if (found !== undefined) plain.add(found);
      if (tape.totals.unreadable > counted) noteUnreadable(unreadable, directory, sink);
      options.onProgress(tape.totals);
    }
  } catch (error) {
    tape.abandon();
    throw error;
  }
  tape.close();
  looked?.close();
  await plain.write(paths);
  options.onProgress(tape.totals);
  const totals = {
    ...tape.totals,
    ...(links.outside > 0 ? { linkedOutside: links.outside } : {}),
    ...(options.selection.recorded === undefined ? {} : { excluded }),
  };
  return { totals, unreadable, same: options.copies && tape.alike };
}

/**
 * An entry is garbage as soon as it is on the tape. V8 would still double the space it makes new objects in, again
 * and again while the scan goes on (48 MiB in the end); as small as it is now, collecting costs no more.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

function scan(
  paths: RunPaths,
  { roots, destination }: CheckedTrees,
  { probe, keepsLinks, followsSymlinks, takesStamps, copies, selection, signal }: ScanOptions,
): AsyncGenerator<WalkedChunk<TapeChunk>> {
  const request: RootsScanRequest<TapeChunk> = {
    roots,
    spillFile: `${paths.root}/scan.pending`,
    sinks: tapeChunks,
    threadProgram: pathToFileURL(packagePaths().scanThreadBundle),
    threads: helpersFor(selection),
    filters: selection.filters,
    ...(selection.listed === undefined ? {} : { listed: selection.listed }),
    aloneNames: namesAlone(copies),
    aloneMs,
    probe,
    keepsLinks,
    followsSymlinks,
    takesStamps: takesStamps === true && !destination.isNew,
    ...(copies === undefined ? {} : { copies: copies.options }),
    passOver: identityOf(runsDirectory),
    forbidden: {
      identity: {
        device: deviceText(destination.identity.device),
        inode: String(destination.identity.inode),
      },
      refuse: (path) => {
        throw new BcopyError(
          'usage',
          `cannot copy ${quoteNames(roots.map(({ given }) => given))}: the destination lies inside the source, at ${quoteName(path)}`,
        );
      },
    },
  };
  return scanRoots(request, signal);
}

/** A name that is looked at on both sides takes twice as long; where many are expected none are gone through alone. */
function namesAlone(copies: CopiesLook | undefined): number {
  if (copies === undefined) return aloneNames;
  return copies.expected > aloneNames ? 0 : aloneNames / 2;
}

/** Each thread has the list for itself: a long one is gone through by this one alone. */
function helpersFor({ recorded }: Selection): number {
  return (recorded?.listed?.entries ?? 0) > listedAtMost ? 0 : helpersAtMost;
}

/** As statx gives it, MAJOR:MINOR, from the number that stat gives (gnu_dev_major(3)). */
function deviceText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffffffffn);
  return `${major}:${minor}`;
}

/** Adds the unreadable entries of a chunk that begins inside of `directory`. */
function noteUnreadable(unreadable: Unreadable[], directory: string, chunk: TapeChunk): void {
  let inForce = directory;
  for (const entry of chunk.entriesOf('directory', 'unreadable')) {
    if (entry.kind === 'directory') inForce = entry.path;
    else if (entry.kind === 'unreadable' && unreadable.length < unreadableAtMost)
      unreadable.push({ path: joinPath(inForce, entry.name), errno: entry.errno });
  }
}
