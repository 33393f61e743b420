import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalLine } from '../../core/run/journal-lines.ts';
import { RunPaths } from '../../core/run/run-paths.ts';
import { TapeReader } from '../../core/run/tape-reader.ts';

type Seen = { readonly path: string; readonly identity: string; readonly journal: string };

/**
 * What the journals of a run have recorded so far, and which files these were at the destination at that time: none of
 * them may be another one later.
 */
export class Recorded {
  readonly #run: string;
  readonly #destination: string;
  /** By ordinal: only files whose ctime finish does not change. */
  readonly #paths = new Map<number, string>();
  readonly #read = new Map<string, number>();
  readonly #seen = new Map<number, Seen>();
  readonly #pieces = new Map<string, string>();
  /** What was recorded again: by the two journals. */
  readonly #twice = new Map<string, string[]>();

  constructor(run: string, destination: string) {
    this.#run = run;
    this.#destination = destination;
    const tape = new TapeReader(new RunPaths(run));
    const linked = new Set<number>();
    for (const { ordinal, entry, path } of tape.entries({ ordinal: 0, ...firstLine(run) })) {
      if (entry.kind === 'link') linked.add(entry.first);
      if (entry.kind === 'file' || entry.kind === 'symlink') this.#paths.set(ordinal, path);
    }
    for (const ordinal of linked) this.#paths.delete(ordinal);
    tape.close();
  }

  get count(): number {
    return this.#seen.size;
  }

  /** Takes in what was recorded since the last look. */
  look(): void {
    const journals = join(this.#run, 'journals');
    if (!existsSync(journals)) return;
    for (const file of readdirSync(journals)
      .filter((name) => name.endsWith('.jsonl'))
      .sort()) {
      const text = readFileSync(join(journals, file), 'utf8');
      const end = text.lastIndexOf('\n') + 1;
      const lines = text.slice(this.#read.get(file) ?? 0, end).split('\n');
      this.#read.set(file, end);
      for (const line of lines) if (isWhole(line)) this.#take(file, JSON.parse(line) as JournalLine);
    }
  }

  #take(journal: string, line: JournalLine): void {
    if (journal.startsWith('finish')) return;
    if (line.type === 'part') this.#takePiece(journal, line);
    if (line.type !== 'done') return;
    for (let ordinal = line.from; ordinal < line.to; ordinal++) {
      const path = this.#paths.get(ordinal);
      const earlier = this.#seen.get(ordinal);
      if (earlier !== undefined) this.#addTwice(earlier.journal, journal, `entry ${ordinal}`);
      else if (path !== undefined) this.#see(ordinal, path, journal);
    }
  }

  #takePiece(
    journal: string,
    { ordinal, from, to, version, temporary }: JournalLine & { type: 'part' },
  ): void {
    const piece = `piece ${ordinal}: ${from} to ${to} of ${version} in ${temporary}`;
    const earlier = this.#pieces.get(piece);
    if (earlier !== undefined) this.#addTwice(earlier, journal, piece);
    this.#pieces.set(piece, journal);
  }

  #addTwice(earlier: string, later: string, what: string): void {
    const pair = `${earlier} ${later}`;
    this.#twice.set(pair, [...(this.#twice.get(pair) ?? []), what]);
  }

  /**
   * Two records of the same thing, but for those of workers that ran at the same time: a node that SLURM has lost sight
   * of works on for a while. Their files must not be other ones for all that.
   */
  get twice(): string[] {
    return [...this.#twice].flatMap(([pair, things]) => {
      const [earlier, later] = pair.split(' ').map((file) => join(this.#run, 'journals', file));
      if (statSync(earlier!).mtimeMs > startOf(later!)) return [];
      return [`${things.length} times in ${pair}: ${things.slice(0, 3).join(', ')}`];
    });
  }

  #see(ordinal: number, path: string, journal: string): void {
    this.#seen.set(ordinal, { path, journal, identity: identityOf(join(this.#destination, path)) });
  }

  /** The files that are not the ones that were recorded. */
  get changed(): string[] {
    return [...this.#seen].flatMap(([ordinal, { path, identity, journal }]) => {
      const now = identityOf(join(this.#destination, path));
      return now === identity ? [] : [`entry ${ordinal} of ${journal}: ${path} was ${identity}, is ${now}`];
    });
  }
}

function startOf(journal: string): number {
  const header = JSON.parse(readFileSync(journal, 'utf8').split('\n', 1)[0]!) as { startedAt: string };
  return Date.parse(header.startedAt);
}

/** A killed worker's torn line, or a successor's after it, is no record. */
function isWhole(line: string): boolean {
  return line.startsWith('{') && line.endsWith('}');
}

/** Another one when it was copied again, or renamed over. */
function identityOf(path: string): string {
  const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return status === undefined ? 'nothing' : `inode ${status.ino}, changed ${status.ctimeNs}`;
}

function firstLine(run: string): { offset: number; directory: number } {
  const offset = readFileSync(join(run, 'tape.jsonl'), 'utf8').indexOf('\n') + 1;
  return { offset, directory: offset };
}
