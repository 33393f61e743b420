import { dividedFiles } from '../core/model/plan.ts';
import type { HashedShard } from '../core/run/hashed-state.ts';
import { type RunState, readRunState } from '../core/run/run-state.ts';
import type { PlacedEntry, TapeReader } from '../core/run/tape-reader.ts';
import type { NamedFile } from '../core/storage/posix/hash-jobs.ts';
import type { TaskContext } from './task-context.ts';

/** A name that is, or should be, that of a regular file. With `errno` it is one that the scan could not look at. */
export type FileToHash = NamedFile & {
  readonly ordinal: number;
  readonly path: string;
  readonly errno?: string;
};

/** What of one shard has to be hashed: the files of a tree, or those that the run records as copied or found there. */
export class FilesToHash {
  /** True when one that is missing is a failure: the run has brought it there. */
  readonly mustBeThere: boolean;
  readonly #context: TaskContext;
  readonly #tape: TapeReader;
  readonly #hashed: HashedShard;
  readonly #state: RunState | undefined;
  readonly #divided: ReadonlyMap<number, unknown>;

  private constructor(
    context: TaskContext,
    tape: TapeReader,
    hashed: HashedShard,
    state: RunState | undefined,
  ) {
    [this.#context, this.#tape, this.#hashed, this.#state] = [context, tape, hashed, state];
    this.#divided = dividedFiles(context.plan);
    const { update, ignoreExisting, existing } = context.attempt.compare ?? {};
    // What was skipped for these may be something else, or nothing
    this.mustBeThere = state !== undefined && !(update || ignoreExisting || existing);
  }

  static async of(context: TaskContext, tape: TapeReader, hashed: HashedShard): Promise<FilesToHash> {
    const { paths, plan, journal, info } = context;
    const isCopy = info.purpose !== 'manifest';
    const state = isCopy ? await readRunState(paths, plan, journal.shard as number) : undefined;
    return new FilesToHash(context, tape, hashed, state);
  }

  *inRange({ from, to }: { readonly from: number; readonly to: number }): Generator<FileToHash> {
    const { without } = this.#context.attempt.manifest!;
    for (const placed of from < to ? this.#tape.between(from, to) : []) {
      const { ordinal, directoryPath, path, entry } = placed;
      if (entry.kind === 'directory' || this.#hashed.done.has(ordinal) || path === without) continue;
      const file = { ordinal, path, directory: directoryPath, name: entry.name };
      if (entry.kind === 'unreadable') yield { ...file, errno: entry.errno };
      else if (this.#isFile(placed) && this.#isThere(placed)) yield file;
    }
  }

  #isFile({ entry }: PlacedEntry): boolean {
    if (entry.kind === 'link') return this.#tape.at(entry.first).entry.kind === 'file';
    return entry.kind === 'file';
  }

  /** Of a run that copies: by its journals. */
  #isThere({ ordinal, entry: { kind } }: PlacedEntry): boolean {
    if (this.#state === undefined) return true;
    const { shards, finish } = this.#state;
    if (finish.outcomes.has(ordinal)) return false;
    if (kind === 'link') return true;
    if (this.#divided.has(ordinal)) return finish.files.has(ordinal);
    const shard = shards[this.#context.journal.shard as number]!;
    return shard.done.has(ordinal) && !shard.outcomes.has(ordinal);
  }
}
