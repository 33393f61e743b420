import { byTime, type Comparison } from '../../model/compare.ts';
import { type Fidelity, fullFidelity } from '../../model/fidelity.ts';
import type { SeenEntries } from '../../model/seen-entries.ts';
import type { WayCounts } from '../../model/ways.ts';
import type {
  EntryGroup,
  FileRequest,
  FinishedEntry,
  GroupOutcome,
  LinkRequest,
  PartRequest,
  PartResult,
  Storage,
} from '../storage.ts';
import { ContentCopy } from './copy-content.ts';
import { GroupCopy } from './copy-group.ts';
import { dividedFileAt, outcomeFor, splitPath } from './copy-means.ts';
import { putPart, readDividedState, readVersion } from './divided-file.ts';
import { EntryFinisher, type FinishMeans } from './finish-entries.ts';
import { EntryNotes, Keeper } from './keeper.ts';
import { syncfs } from './libc-content.ts';
import { unlinkat } from './libc-names.ts';
import { type SharedLimits, setLimits, takeEntry } from './limits.ts';
import { putUnlocking } from './put-unlocking.ts';
import { keepsWhatIsThere, noteOfLeftDirectory } from './same-content.ts';
import { SameFiles } from './same-files.ts';
import { heedStop, mustStop, type StopFlag, Stopped } from './stop-flag.ts';
import { check, SystemError } from './system-error.ts';
import { partsName, removeLeftovers } from './temporary-names.ts';
import { Trees, type TreesRequest } from './trees.ts';

export type PosixStorageRequest = Omit<TreesRequest, 'followsSymlinks' | 'directoryRules'> & {
  /** False when the destination was new and nothing of this run can be there yet: then nothing is looked for. */
  readonly mayExist: boolean;
  /** True: a file that is there is copied again, however much it looks like a copy. */
  readonly doubtsFiles?: boolean;
  /** The same for these alone, by their ordinals: they were found to differ. Left out: none. */
  readonly forced?: ReadonlySet<number> | undefined;
  /** Left out: everything is kept. */
  readonly fidelity?: Fidelity;
  /** Left out: by type, size and mtime. */
  readonly compare?: Comparison | undefined;
  /** When the run was begun: directories that are older were there before. Left out: none is. */
  readonly begunAtMs?: number;
  /** Left out: as fast as it goes. They hold for all that the opening thread does. */
  readonly limits?: SharedLimits | undefined;
  /** Files with so much content are to be copied in pieces; left out: all are copied as a whole. */
  readonly largeFrom?: number | undefined;
  /** Left out: nobody can ask the opening thread to stop. */
  readonly stop?: StopFlag | undefined;
  /** True: each file is on disk before it gets its name. */
  readonly syncsFiles?: boolean;
  /** True: what is copied is hashed as it is read, in threads where digests are prepared. */
  readonly hashes?: boolean;
};

/** Two trees on mounted file systems. Opening it throws a SystemError when a root is missing. */
export class PosixStorage implements Storage {
  readonly #request: PosixStorageRequest;
  readonly #fidelity: Fidelity;
  readonly #means: FinishMeans;
  readonly #finisher: EntryFinisher;
  #same: SameFiles | undefined;

  constructor(request: PosixStorageRequest) {
    const { writer, mayExist, begunAtMs } = request;
    const { fidelity = fullFidelity, compare = byTime, doubtsFiles = false } = request;
    const { syncsFiles = false, hashes = false } = request;
    this.#request = request;
    this.#fidelity = fidelity;
    const notes = new EntryNotes();
    const keeper = new Keeper(fidelity, notes.note);
    const content = new ContentCopy({ syncsFiles, hashes });
    setLimits(request.limits);
    heedStop(request.stop);
    const directoryRules = { makesNone: compare.existing, replacesNothing: keepsWhatIsThere(compare) };
    const { followsSymlinks } = keeper;
    const trees = new Trees({ ...request, followsSymlinks, directoryRules });
    const means = { trees, writer, keeper, compare, content, doubtsFiles };
    this.#means = { ...means, notes, mayExist, begunAtMs };
    this.#finisher = new EntryFinisher(this.#means);
  }

  copyGroup(group: EntryGroup): GroupOutcome {
    const { writer, mayExist, doubtsFiles, forced, largeFrom, cleanUp } = this.#request;
    const { trees, compare, content } = this.#means;
    const request = {
      writer,
      mayExist,
      doubtsFiles,
      forced,
      largeFrom,
      mayHaveParts: cleanUp !== undefined,
      fidelity: this.#fidelity,
      compare,
      content,
    };
    return new GroupCopy(trees, request).run(group);
  }

  findSame(seen: SeenEntries): void {
    this.#same ??= new SameFiles(this.#means.trees, this.#means);
    this.#same.find(seen);
  }

  copyPart(request: PartRequest): PartResult {
    takeEntry();
    if (mustStop()) return { stopped: true };
    try {
      const where = dividedFileAt(this.#means, request.ordinal, request.path);
      const part = putUnlocking((there) => putPart(request, there, this.#means.content), where);
      return { part, ways: this.#means.content.takeWays() };
    } catch (error) {
      if (error instanceof Stopped) return { stopped: true };
      if (noteOfLeftDirectory(error, this.#means.compare) !== undefined) return this.#leftPart(request);
      return { outcome: outcomeFor(this.#means, request, error) };
    }
  }

  /** Of a file whose directory is to be left as it is: finish leaves it out. */
  #leftPart({ ordinal, path, from, to, bytes }: PartRequest): PartResult {
    const [directory, name] = splitPath(path);
    const part = { ordinal, from, to: to ?? Math.max(from, bytes), temporary: '', same: true };
    try {
      const version = readVersion(this.#means.trees.sourcePlace(directory, name), this.#means.keeper);
      return { part: { ...part, version }, ways: this.#means.content.takeWays() };
    } catch (error) {
      return { outcome: outcomeFor(this.#means, { ordinal, path, bytes }, error) };
    }
  }

  dividedState(ordinal: number, path: string): { version: string; temporary: string } {
    try {
      return readDividedState(dividedFileAt(this.#means, ordinal, path));
    } catch (error) {
      if (error instanceof SystemError) return { version: '', temporary: '' };
      throw error;
    }
  }

  discardParts(ordinal: number, path: string): void {
    try {
      const [directory] = splitPath(path);
      unlinkat(this.#means.trees.firstDirectory(directory), partsName(this.#request.writer.run, ordinal), 0);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }

  completeFile(request: FileRequest): FinishedEntry {
    return this.#finisher.completeFile(request);
  }

  linkEntry(request: LinkRequest): FinishedEntry {
    return this.#finisher.linkEntry(request);
  }

  completeDirectory(ordinal: number, path: string): FinishedEntry {
    return this.#finisher.completeDirectory(ordinal, path);
  }

  lookAhead(paths: readonly string[], atOnce?: number): Promise<void> {
    return this.#means.trees.lookAhead(paths, atOnce);
  }

  removeLeftovers(directory: string, from: number, to: number): void {
    try {
      removeLeftovers(this.#means.trees.firstDirectory(directory), this.#request.writer, from, to);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }

  takeNotes(): ReadonlyMap<string, number> {
    return this.#means.notes.take();
  }

  takeWays(): WayCounts {
    return this.#means.content.takeWays();
  }

  async sync(): Promise<void> {
    check(await syncfs(this.#means.trees.destinationRoot), 'sync the destination');
  }

  close(): void {
    this.#means.trees.close();
  }
}
