import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { type Entry, joinPath } from '../../core/model/entry.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName } from '../../core/model/names.ts';
import type { Totals } from '../../core/model/plan.ts';
import type { RunPaths } from '../../core/run/run-paths.ts';
import { runsDirectory } from '../../core/run/run-paths.ts';
import { TapeWriter } from '../../core/run/tape-writer.ts';
import { HardLinkTable } from '../../core/storage/posix/hard-link-table.ts';
import { identityOf, scanTree } from '../../core/storage/posix/scan.ts';
import type { DestinationTree, SourceTree } from './preflight.ts';

export type ScanOptions = {
  /** Open every file to see that this user can read it. */
  readonly probe: boolean;
  /** False: each name of a file is copied as a file of its own. */
  readonly keepsLinks: boolean;
  readonly onProgress: (totals: Totals) => void;
  readonly signal: AbortSignal;
};

export type Unreadable = { readonly path: string; readonly errno: string };

/** So many unreadable entries are kept to be told; the totals count them all. */
const unreadableAtMost = 1000;
/** The event loop gets its turn after so many entries: signals, the progress bar. */
const entriesPerTurn = 5000;

/** Walks the source once and writes the tape; memory does not grow with the tree. */
export async function scanSource(
  paths: RunPaths,
  { source, destination }: { source: SourceTree; destination: DestinationTree },
  options: ScanOptions,
): Promise<{ totals: Totals; unreadable: Unreadable[] }> {
  keepHeapSmall();
  const tape = new TapeWriter(paths);
  const unreadable: Unreadable[] = [];
  const links = new HardLinkTable();
  let directory = '';
  try {
    for (const entry of walk(paths, source, destination, { ...options, links })) {
      const ordinal = tape.add(entry);
      if (entry.kind === 'directory') directory = entry.path;
      else if (entry.kind === 'unreadable') note(unreadable, directory, entry);
      if (ordinal % entriesPerTurn === 0) await takeTurn(tape, options);
    }
  } catch (error) {
    tape.abandon();
    throw error;
  }
  tape.close();
  options.onProgress(tape.totals);
  const totals = { ...tape.totals, ...(links.outside > 0 ? { linkedOutside: links.outside } : {}) };
  return { totals, unreadable };
}

/**
 * An entry is garbage as soon as it is on the tape. V8 would still double the space it makes new objects in, again
 * and again while the scan goes on (48 MiB in the end); as small as it is now, collecting costs no more.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

function walk(
  paths: RunPaths,
  source: SourceTree,
  destination: DestinationTree,
  { probe, keepsLinks, links }: ScanOptions & { readonly links: HardLinkTable },
): Generator<Entry> {
  return scanTree({
    path: source.path,
    spillFile: `${paths.root}/scan.pending`,
    probe,
    links,
    keepsLinks,
    passOver: identityOf(runsDirectory),
    forbidden: {
      identity: {
        device: deviceText(destination.identity.device),
        inode: String(destination.identity.inode),
      },
      refuse: (path) => {
        throw new BcopyError(
          'usage',
          `cannot copy ${quoteName(source.given)}: the destination lies inside the source, at ${quoteName(path)}`,
        );
      },
    },
  });
}

/** As statx gives it, MAJOR:MINOR, from the number that stat gives (gnu_dev_major(3)). */
function deviceText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffffffffn);
  return `${major}:${minor}`;
}

function note(
  unreadable: Unreadable[],
  directory: string,
  entry: Extract<Entry, { kind: 'unreadable' }>,
): void {
  if (unreadable.length < unreadableAtMost)
    unreadable.push({ path: joinPath(directory, entry.name), errno: entry.errno });
}

async function takeTurn(tape: TapeWriter, { onProgress, signal }: ScanOptions): Promise<void> {
  onProgress(tape.totals);
  await setImmediate();
  signal.throwIfAborted();
}
