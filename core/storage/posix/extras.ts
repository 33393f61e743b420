import { joinPath } from '../../model/entry.ts';
import type { Candidate, Extra, ExtraStorage, IsSafe, Kept } from '../../model/removal.ts';
import { DirectoryNames } from './directory-names.ts';
import { DirectoryStack } from './directory-stack.ts';
import { FileStatus, withMount } from './file-status.ts';
import { close, lseek, type NativeName, nativeName, SEEK_SET } from './libc.ts';
import { openExistingDirectory } from './open-directory.ts';
import { SourceNames, type SourceRequest } from './source-names.ts';
import { SystemError } from './system-error.ts';
import { type DestinationRequest, openPlannedDestination } from './two-roots.ts';

export type ExtrasRequest = SourceRequest & {
  readonly destination: DestinationRequest;
  readonly isSafe: IsSafe;
};

const gone = ['ENOENT', 'ENOTDIR', 'ELOOP'];

/**
 * Looks for names of a destination that its source does not have. Both are reached by descriptors, one name at a time,
 * and only if they are the directories of the plan. Throws a SystemError where they are not. Removes nothing.
 */
export class PosixExtras implements ExtraStorage {
  readonly destinationRoot: number;
  readonly #source: SourceNames;
  readonly #destination: DirectoryStack;
  /** A second way in, for what is looked at while a directory is being read. */
  readonly #aside: DirectoryStack;
  readonly #isSafe: IsSafe;
  readonly #names = new DirectoryNames();
  readonly #namesAside = new DirectoryNames();
  readonly #status = new FileStatus();
  readonly #other = new FileStatus();
  readonly #rootStatus = new FileStatus();

  constructor(request: ExtrasRequest) {
    this.destinationRoot = openPlannedDestination(request.destination);
    this.#source = new SourceNames(request);
    this.#rootStatus.readOpen(this.destinationRoot, 'look at the destination', withMount);
    this.#destination = new DirectoryStack(this.destinationRoot, openExistingDirectory);
    this.#aside = new DirectoryStack(this.destinationRoot, openExistingDirectory);
    this.#isSafe = request.isSafe;
  }

  close(): void {
    for (const opened of [this.#source, this.#destination, this.#aside]) opened.close();
    close(this.destinationRoot);
  }

  *candidates(directory: string): Generator<readonly Candidate[]> {
    // What is beside the roots is not theirs
    if (directory === '' && this.#source.isVirtual) return;
    const trees = this.#enterBoth(directory);
    if (trees === undefined || !this.#source.showsAll(directory, trees.source)) return;
    const names = this.#names;
    names.open(trees.destination);
    lseek(trees.destination, 0, SEEK_SET);
    while (names.fill()) {
      const found: Candidate[] = [];
      while (names.next()) {
        const { name } = names;
        const kind = this.#kindOf(trees.destination, names);
        if (kind === 'other' || this.#source.isMissing(trees.source, nativeName(name)))
          found.push({ path: joinPath(directory, name), kind });
      }
      yield found.filter(({ path, kind }) => !this.#isSafe(path, kind));
    }
  }

  isSameName(path: string, other: string): boolean {
    try {
      const [directory, name] = split(path);
      if (this.#status.read(this.#aside.enter(directory), name) < 0) return false;
      const [otherDirectory, otherName] = split(other);
      if (this.#other.read(this.#aside.enter(otherDirectory), otherName) < 0) return false;
      return this.#status.isSameFileAs(this.#other);
    } catch (error) {
      if (error instanceof SystemError) return false;
      throw error;
    }
  }

  isStillExtra({ path }: Candidate): boolean {
    const [directory, name] = split(path);
    // Below a directory that the source does not have
    const source = this.#nearestSource(directory);
    return source === undefined || this.#source.isMissing(source, name);
  }

  *extrasAt(candidate: Candidate): Generator<Extra | Kept> {
    const { path, kind } = candidate;
    if (this.#isSafe(path, kind)) return;
    const why = this.#whyNotEntered(kind === 'directory' ? path : directoryOf(path));
    if (why !== undefined) yield { path, cause: why, action: 'remove' };
    else if (kind === 'other') yield { ...candidate, entries: 1, bytes: this.#bytesOf(path) };
    else {
      const measured = this.#measure(path);
      if (!measured.holdsSafe) yield { ...candidate, ...sizeOf(measured) };
      else for (const child of this.#childrenOf(path)) yield* this.extrasAt(child);
    }
  }

  #enterBoth(directory: string): { source: number; destination: number } | undefined {
    try {
      const source = this.#source.enter(directory);
      return { source, destination: this.#destination.enter(directory) };
    } catch (error) {
      // The source may have lost it since: nobody knows what belongs there
      if (error instanceof SystemError && gone.includes(error.cause)) return undefined;
      throw error;
    }
  }

  #nearestSource(directory: string): number | undefined {
    try {
      return this.#source.enterAside(directory);
    } catch (error) {
      if (error instanceof SystemError && gone.includes(error.cause)) return undefined;
      throw error;
    }
  }

  #kindOf(directory: number, names: DirectoryNames): Candidate['kind'] {
    if (names.type !== 'unknown') return names.type;
    const found = this.#status.read(directory, nativeName(names.name));
    return found === 0 && this.#status.type === 'directory' ? 'directory' : 'other';
  }

  #bytesOf(path: string): number {
    const [directory, name] = split(path);
    const found = this.#status.read(this.#aside.enter(directory), name);
    return found === 0 && this.#status.type === 'file' ? this.#status.bytes : 0;
  }

  /** A cause: another file system begins here, or it is the source itself. */
  #whyNotEntered(path: string): string | undefined {
    const found = this.#other.readOpen(this.#aside.enter(path), 'look at destination directory', withMount);
    if (this.#source.isRoot(found)) return 'INTO_SOURCE';
    if (!found.isInMountOf(this.#rootStatus)) return 'EXDEV';
    return found.isMountRoot && path !== '' ? 'EXDEV' : undefined;
  }

  /** All below a directory, itself included. */
  #measure(top: string): Measured {
    const measured = { entries: 1, bytes: 0, holdsSafe: false };
    const pending = [top];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      if (path !== top && this.#whyNotEntered(path) !== undefined) {
        measured.holdsSafe = true;
        continue;
      }
      for (const { path: child, kind } of this.#look(path)) {
        measured.entries++;
        if (this.#isSafe(child, kind)) measured.holdsSafe = true;
        else if (kind === 'directory') pending.push(child);
        else measured.bytes += this.#bytesOf(child);
      }
    }
    return measured;
  }

  *#look(directory: string): Generator<Candidate> {
    const [names, fd] = [this.#namesAside, this.#aside.enter(directory)];
    lseek(fd, 0, SEEK_SET);
    for (const { name } of names.read(fd))
      yield { path: joinPath(directory, name), kind: this.#kindOf(fd, names) };
  }

  #childrenOf(directory: string): Candidate[] {
    return [...this.#look(directory)];
  }
}

type Measured = { readonly entries: number; readonly bytes: number; readonly holdsSafe: boolean };

function sizeOf({ entries, bytes }: Measured): { entries: number; bytes: number } {
  return { entries, bytes };
}

export function split(path: string): [directory: string, name: NativeName] {
  return [directoryOf(path), nativeName(path.slice(path.lastIndexOf('/') + 1))];
}

function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
