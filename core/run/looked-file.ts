import { closeSync, openSync } from 'node:fs';
import { isDone } from '../model/cost.ts';
import { bytesOf } from '../model/entry.ts';
import { addTally, type DoneRange, emptyTally, type Tally } from '../model/outcome.ts';
import { type Plan, wholeEntriesOf } from '../model/plan.ts';
import type { Range } from '../model/ranges.ts';
import { openToRead, parseJson } from './files.ts';
import { LineWriter, readLines } from './lines.ts';
import type { RunPaths } from './run-paths.ts';
import { isDirectoryKind, isDoneKind, linkKind } from './tape-chunk.ts';
import type { TapeReader } from './tape-reader.ts';
import { entriesPerMark } from './tape-writer.ts';

/** Consecutive entries with which no worker has anything to do, and those of them that the destination has already. */
type Looked = Range & { readonly same: Tally };

/** Shorter ranges are left to the worker, which is among their neighbours anyway: a journal is to be short. */
const entriesAtLeast = 16;

/**
 * Writes down, while the tape is written, what the destination has already: `[FROM,TO,FILES,BYTES]` a line, of entries with which
 * no worker has anything to do (the rest of them are finish's). A range ends at each mark of the index.
 */
export class LookedWriter {
  readonly #file: number;
  readonly #lines: LineWriter;
  #ordinal = 0;
  #from = 0;
  #same = emptyTally();

  constructor(paths: RunPaths) {
    this.#file = openSync(paths.looked, 'wx', 0o600);
    this.#lines = new LineWriter(this.#file);
  }

  /** The kind of the next entry, by its number in a chunk. */
  add(kind: number, bytes: number): void {
    if (this.#ordinal % entriesPerMark === 0) this.#end();
    const ordinal = this.#ordinal++;
    if (isDoneKind(kind)) {
      this.#same.entries++;
      this.#same.bytes += bytes;
    } else if (!isDirectoryKind(kind) && kind !== linkKind) {
      this.#ordinal = ordinal;
      this.#end();
      this.#ordinal = ordinal + 1;
      this.#from = ordinal + 1;
    }
  }

  close(): void {
    this.#end();
    this.#lines.flush();
    closeSync(this.#file);
  }

  #end(): void {
    const [from, to] = [this.#from, this.#ordinal];
    if (to > from) this.#lines.add(`${JSON.stringify([from, to, this.#same.entries, this.#same.bytes])}\n`);
    this.#from = to;
    this.#same = emptyTally();
  }
}

/** What is done already, shard by shard and in the order of the entries; nothing of what a shard has only little of. */
export function* lookedRanges(paths: RunPaths, plan: Plan, tape: TapeReader): Generator<ShardRange> {
  let open: ShardPiece | undefined;
  for (const piece of piecesOf(paths, plan, tape)) {
    if (open?.shard === piece.shard && open.to === piece.from) {
      addTally(piece.same, open.same);
      open = { ...piece, from: open.from };
    } else {
      if (open !== undefined && isWorthALine(open, plan)) yield doneIn(open);
      open = piece;
    }
  }
  if (open !== undefined && isWorthALine(open, plan)) yield doneIn(open);
}

export type ShardRange = { readonly shard: number; readonly range: DoneRange };
type ShardPiece = Looked & { readonly shard: number };

function* piecesOf(paths: RunPaths, plan: Plan, tape: TapeReader): Generator<ShardPiece> {
  const ends = plan.shards.map((shard) => wholeEntriesOf(shard).to);
  let shard = 0;
  for (const looked of readLooked(paths)) {
    let { from } = looked;
    const { to, same } = looked;
    while (from < to) {
      while (from >= ends[shard]!) shard++;
      const end = Math.min(to, ends[shard]!);
      const part = end < to ? sameIn(tape, from, end) : { ...same };
      addTally(same, { entries: -part.entries, bytes: -part.bytes });
      yield { shard, from, to: end, same: part };
      from = end;
    }
  }
}

function* readLooked(paths: RunPaths): Generator<Looked> {
  const file = openToRead(paths.looked);
  try {
    for (const { text } of readLines(file)) {
      const [from, to, entries, bytes] = parseJson(paths.looked, undefined, text) as [
        number,
        number,
        number,
        number,
      ];
      yield { from, to, same: { entries, bytes } };
    }
  } finally {
    closeSync(file);
  }
}

/** By the tape: a range that a cut divides is short. */
function sameIn(tape: TapeReader, from: number, to: number): Tally {
  const same = emptyTally();
  for (const { entry } of tape.between(from, to))
    if (isDone(entry)) addTally(same, { entries: 1, bytes: bytesOf(entry) });
  return same;
}

function isWorthALine({ shard, from, to }: ShardPiece, plan: Plan): boolean {
  const whole = wholeEntriesOf(plan.shards[shard]!);
  return to - from >= entriesAtLeast || (from === whole.from && to === whole.to);
}

function doneIn({ shard, from, to, same }: ShardPiece): ShardRange {
  return { shard, range: { from, to, copied: emptyTally(), skipped: same, linked: emptyTally() } };
}
