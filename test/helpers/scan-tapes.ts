import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Totals } from '../../core/model/plan.ts';
import type { SourceRoot } from '../../core/model/source-root.ts';
import { RunPaths } from '../../core/run/run-paths.ts';
import { type TapeChunk, tapeChunks } from '../../core/run/tape-chunk.ts';
import { TapeWriter } from '../../core/run/tape-writer.ts';
import { HardLinkTable } from '../../core/storage/posix/hard-link-table.ts';
import { type ParallelScanRequest, scanTree } from '../../core/storage/posix/scan.ts';
import { scanRoots } from '../../core/storage/posix/scan-roots.ts';

/** What a scan leaves, byte by byte. */
export type Scanned = {
  readonly tape: string;
  readonly index: string;
  readonly totals: Totals;
  readonly outside: number;
};

export type Ways = Partial<
  Omit<ParallelScanRequest<TapeChunk>, 'path' | 'roots' | 'first' | 'sinks' | 'threadProgram'>
>;

/** Scans a tree with one thread, entry by entry. */
export function scanAlone(source: string, ways: Ways = {}): Scanned {
  const tape = new Tape();
  const { spillFile, links } = tape;
  const request = { probe: false, passOver: undefined, forbidden: undefined, ...ways };
  for (const entry of scanTree({ path: source, spillFile, links, ...request })) tape.writer.add(entry);
  return tape.end();
}

/** Scans a tree, or several roots, with several threads, as `installed` has them, from the very beginning. */
export async function scanTogether(
  source: string | readonly SourceRoot[],
  installed: string,
  ways: Ways & { readonly onChunk?: (excluded: number) => void } = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Scanned> {
  const tape = new Tape();
  const { spillFile, links } = tape;
  const threadProgram = pathToFileURL(join(installed, 'dist/js/cli/scan-thread.js'));
  const shape = { sinks: tapeChunks, threadProgram, threads: 2, aloneNames: 0, aloneMs: 0 };
  const request = { probe: false, passOver: undefined, forbidden: undefined, ...shape, ...ways };
  try {
    const roots = typeof source === 'string' ? [{ name: '', path: source, inode: '' }] : source;
    for await (const { sink, excluded } of scanRoots({ roots, spillFile, ...request }, signal)) {
      tape.writer.addChunk(sink, ({ device, inodeLow, inodeHigh, names }, ordinal) =>
        links.firstOf(device, inodeLow, inodeHigh, ordinal, names),
      );
      ways.onChunk?.(excluded);
    }
    return tape.end();
  } catch (error) {
    tape.abandon();
    throw error;
  }
}

/** Lays a tape of its own, and takes its files away again. */
class Tape {
  readonly #top = mkdtempSync(join(tmpdir(), 'bcopy-tapes-'));
  readonly #paths = new RunPaths(this.#top);
  readonly #writer = new TapeWriter(this.#paths);
  readonly #links = new HardLinkTable();
  readonly spillFile = join(this.#top, 'spill');

  get links(): HardLinkTable {
    return this.#links;
  }

  get writer(): TapeWriter {
    return this.#writer;
  }

  end(): Scanned {
    this.#writer.close();
    const [tape, index] = [this.#paths.tape, this.#paths.tapeIndex].map((file) =>
      readFileSync(file, 'latin1'),
    );
    rmSync(this.#top, { recursive: true });
    return { tape: tape!, index: index!, totals: this.#writer.totals, outside: this.#links.outside };
  }

  abandon(): void {
    this.#writer.abandon();
    rmSync(this.#top, { recursive: true });
  }
}
