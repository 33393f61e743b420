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
import { completeDirectory } from './complete-directory.ts';
import { ContentCopy } from './copy-content.ts';
import { GroupCopy, putUnlocking } from './copy-group.ts';
import {
  completeParts,
  type FileDirectories,
  putPart,
  readDividedState,
  readVersion,
} from './divided-file.ts';
import { type Failed, outcomeOf } from './entry-outcome.ts';
import { EntryNotes, Keeper } from './keeper.ts';
import { nativeName, syncfs, unlinkat } from './libc.ts';
import { type SharedLimits, setLimits, takeEntry } from './limits.ts';
import { mayPutInstead, putInsteadOfLink, putLink } from './put-link.ts';
import { keepsWhatIsThere, noteOfLeftDirectory } from './same-content.ts';
import { SameFiles } from './same-files.ts';
import { heedStop, mustStop, type StopFlag, Stopped } from './stop-flag.ts';
import { check, SystemError } from './system-error.ts';
import { partsName, removeLeftovers, temporaryName } from './temporary-names.ts';
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

type SourceEntry = Pick<FileDirectories, 'sourceDirectory' | 'sourceName'>;

/** Two trees on mounted file systems. Opening it throws a SystemError when a root is missing. */
export class PosixStorage implements Storage {
  readonly #request: PosixStorageRequest;
  readonly #trees: Trees;
  readonly #fidelity: Fidelity;
  readonly #compare: Comparison;
  readonly #notes = new EntryNotes();
  readonly #keeper: Keeper;
  readonly #content: ContentCopy;
  #same: SameFiles | undefined;

  constructor(request: PosixStorageRequest) {
    this.#request = request;
    this.#fidelity = request.fidelity ?? fullFidelity;
    this.#compare = request.compare ?? byTime;
    this.#keeper = new Keeper(this.#fidelity, this.#notes.note);
    const { syncsFiles = false, hashes = false } = request;
    this.#content = new ContentCopy({ syncsFiles, hashes });
    setLimits(request.limits);
    heedStop(request.stop);
    const directoryRules = {
      makesNone: this.#compare.existing,
      replacesNothing: keepsWhatIsThere(this.#compare),
    };
    const { followsSymlinks } = this.#keeper;
    this.#trees = new Trees({ ...request, followsSymlinks, directoryRules });
  }

  copyGroup(group: EntryGroup): GroupOutcome {
    const { writer, mayExist, doubtsFiles, forced, largeFrom, cleanUp } = this.#request;
    const what = { fidelity: this.#fidelity, compare: this.#compare, content: this.#content };
    const request = {
      writer,
      mayExist,
      doubtsFiles,
      forced,
      largeFrom,
      mayHaveParts: cleanUp !== undefined,
      ...what,
    };
    return new GroupCopy(this.#trees, request).run(group);
  }

  findSame(seen: SeenEntries): void {
    this.#same ??= new SameFiles(this.#trees, { keeper: this.#keeper, compare: this.#compare });
    this.#same.find(seen);
  }

  copyPart(request: PartRequest): PartResult {
    takeEntry();
    if (mustStop()) return { stopped: true };
    try {
      const where = this.#where(request.ordinal, request.path);
      const part = putUnlocking((there) => putPart(request, there, this.#content), where);
      return { part, ways: this.#content.takeWays() };
    } catch (error) {
      if (error instanceof Stopped) return { stopped: true };
      if (noteOfLeftDirectory(error, this.#compare) !== undefined) return this.#leftPart(request);
      return { outcome: this.#outcome(request, error) };
    }
  }

  /** Of a file whose directory is to be left as it is: finish leaves it out. */
  #leftPart({ ordinal, path, from, to, bytes }: PartRequest): PartResult {
    const [directory, name] = split(path);
    const part = { ordinal, from, to: to ?? Math.max(from, bytes), temporary: '', same: true };
    try {
      const version = readVersion(this.#trees.sourcePlace(directory, name), this.#keeper);
      return { part: { ...part, version }, ways: this.#content.takeWays() };
    } catch (error) {
      return { outcome: this.#outcome({ ordinal, path, bytes }, error) };
    }
  }

  dividedState(ordinal: number, path: string): { version: string; temporary: string } {
    try {
      return readDividedState(this.#where(ordinal, path));
    } catch (error) {
      if (error instanceof SystemError) return { version: '', temporary: '' };
      throw error;
    }
  }

  discardParts(ordinal: number, path: string): void {
    try {
      const [directory] = split(path);
      unlinkat(this.#trees.firstDirectory(directory), partsName(this.#request.writer.run, ordinal), 0);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }

  completeFile(request: FileRequest): FinishedEntry {
    return this.#finished(request, () => {
      const where = this.#where(request.ordinal, request.path);
      return putUnlocking((there) => completeParts(request, there, this.#content), where);
    });
  }

  linkEntry(request: LinkRequest): FinishedEntry {
    const { ordinal, path, firstPath } = request;
    return this.#finished({ ordinal, path, bytes: 0 }, () => {
      const [directory, name] = split(path);
      const [firstDirectory, firstName] = split(firstPath);
      if (this.#request.mayExist) this.#enterSource(directory);
      const destinationDirectory = this.#trees.destinationDirectory(directory);
      const request = {
        destinationDirectory,
        name: nativeName(name),
        temporary: temporaryName(this.#request.writer, ordinal),
        keeper: this.#keeper,
        compare: this.#compare,
      };
      const mayBeOther = keepsWhatIsThere(this.#compare);
      try {
        return putUnlocking(putLink, {
          ...request,
          source: mayBeOther ? this.#trees.sourcePlace(directory, name) : undefined,
          firstDirectory: this.#trees.firstDirectory(firstDirectory),
          firstName: nativeName(firstName),
        });
      } catch (error) {
        if (!mayPutInstead(error)) throw error;
        const facts = this.#trees.factsOf(destinationDirectory);
        const source = this.#sourcePlaceOr(error, directory, name);
        const more = { ...source, mayExist: true, isDoubted: false, directory: facts };
        return putInsteadOfLink({ ...request, ...more, content: this.#content }, error);
      }
    });
  }

  lookAhead(paths: readonly string[]): Promise<void> {
    return this.#trees.lookAhead(paths);
  }

  completeDirectory(ordinal: number, path: string): FinishedEntry {
    return this.#finished({ ordinal, path, bytes: 0 }, () =>
      completeDirectory(this.#trees, path, {
        keeper: this.#keeper,
        compare: this.#compare,
        begunAtMs: this.#request.begunAtMs,
      }),
    );
  }

  removeLeftovers(directory: string, from: number, to: number): void {
    try {
      removeLeftovers(this.#trees.firstDirectory(directory), this.#request.writer, from, to);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }

  takeNotes(): ReadonlyMap<string, number> {
    return this.#notes.take();
  }

  takeWays(): WayCounts {
    return this.#content.takeWays();
  }

  async sync(): Promise<void> {
    check(await syncfs(this.#trees.destinationRoot), 'sync the destination');
  }

  close(): void {
    this.#trees.close();
  }

  /** What was at the destination already is narrowed to it, if it is there. */
  #enterSource(path: string): void {
    try {
      this.#trees.sourceDirectory(path);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }

  #sourcePlaceOr(why: SystemError, path: string, name: string): SourceEntry {
    try {
      return this.#sourceEntry(path, name);
    } catch {
      throw why;
    }
  }

  #sourceEntry(path: string, entry: string): SourceEntry {
    const { directory: sourceDirectory, name: sourceName } = this.#trees.sourcePlace(path, entry);
    return { sourceDirectory, sourceName };
  }

  #where(ordinal: number, path: string): FileDirectories {
    const [directory, name] = split(path);
    const source = this.#sourceEntry(directory, name);
    const destinationDirectory = this.#trees.destinationDirectory(directory);
    return {
      ...source,
      destinationDirectory,
      directory: this.#trees.factsOf(destinationDirectory),
      name: nativeName(name),
      temporary: partsName(this.#request.writer.run, ordinal),
      keeper: this.#keeper,
      compare: this.#compare,
      isDoubted: this.#request.doubtsFiles === true,
    };
  }

  #finished(entry: Failed, work: () => 'copied' | 'skipped' | 'linked'): FinishedEntry {
    takeEntry();
    this.#notes.begin();
    try {
      const kind = work();
      this.#notes.count();
      return { kind };
    } catch (error) {
      const left = noteOfLeftDirectory(error, this.#compare);
      if (left === undefined) return { kind: 'outcome', outcome: this.#outcome(entry, error) };
      this.#notes.begin();
      this.#notes.note(left);
      this.#notes.count();
      return { kind: 'skipped' };
    }
  }

  #outcome({ ordinal, path, bytes }: Failed, error: unknown) {
    if (!(error instanceof SystemError)) throw error;
    return outcomeOf({ ordinal, path, bytes }, error, this.#trees.source.isAsScanned(path));
  }
}

function split(path: string): [directory: string, name: string] {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)];
}
