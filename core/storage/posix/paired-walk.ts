import { compareNames } from '../../model/byte-order.ts';
import type { Difference } from '../../model/difference.ts';
import { joinPath } from '../../model/entry.ts';
import { DirectoryStack } from './directory-stack.ts';
import type { Identity } from './entry-rules.ts';
import { FileStatus } from './file-status.ts';
import { nativeName } from './libc.ts';
import { openExistingDirectory, openSourceDirectory } from './open-directory.ts';
import { type FoundName, readSortedNames } from './sorted-names.ts';
import { SystemError } from './system-error.ts';

/** A name that both trees have, or what is already known of one that only one of them has. */
export type PairedName =
  | { readonly kind: 'both'; readonly directory: string; readonly name: string }
  | { readonly kind: 'found'; readonly difference: Difference };

export type PairedWalkOptions = {
  /** Open directories, the roots. */
  readonly source: number;
  readonly destination: number;
  /** Directories of bcopy's own, which are not looked at. */
  readonly passOver: {
    /** One, wherever it lies. */
    readonly own: (Identity & { readonly name: string }) | undefined;
    /** Of these names at the root of the destination. */
    readonly rootNames: readonly string[];
  };
};

type Sides = { readonly source: boolean; readonly destination: boolean };
type Paired = { readonly name: string; readonly source?: FoundName; readonly destination?: FoundName };
type Frame = { readonly directory: string; readonly names: readonly Paired[]; at: number };

const status = new FileStatus();

/**
 * Walks two trees side by side, directory by directory in the order of their names' bytes; what is in a directory comes after it.
 * Memory: the names of the directories on the way. What cannot be read is told once, and not gone into.
 */
export class PairedWalk {
  readonly #options: PairedWalkOptions;
  readonly #sources: DirectoryStack;
  readonly #destinations: DirectoryStack;
  readonly #frames: Frame[] = [];

  constructor(options: PairedWalkOptions) {
    this.#options = options;
    this.#sources = new DirectoryStack(options.source, openSourceDirectory);
    this.#destinations = new DirectoryStack(options.destination, openExistingDirectory);
  }

  *names(): Generator<PairedName> {
    try {
      yield { kind: 'both', directory: '', name: '.' };
      yield* this.#enter('', { source: true, destination: true });
      for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
        const paired = frame.names[frame.at++];
        if (paired === undefined) this.#frames.pop();
        else yield* this.#take(frame.directory, paired);
      }
    } finally {
      this.#sources.close();
      this.#destinations.close();
    }
  }

  *#take(directory: string, { name, source, destination }: Paired): Generator<PairedName> {
    const path = joinPath(directory, name);
    if (source !== undefined && destination !== undefined) yield { kind: 'both', directory, name };
    else {
      const kind = destination === undefined ? 'missing' : 'extra';
      const detail = (source ?? destination)?.isDirectory ? 'directory' : '';
      yield { kind: 'found', difference: { kind, path, detail } };
    }
    const sides = { source: source?.isDirectory === true, destination: destination?.isDirectory === true };
    if (sides.source || sides.destination) yield* this.#enter(path, sides);
  }

  *#enter(directory: string, sides: Sides): Generator<PairedName> {
    try {
      const source = sides.source ? this.#read(this.#sources, directory, true) : [];
      const destination = sides.destination ? this.#read(this.#destinations, directory, false) : [];
      this.#frames.push({ directory, names: pair(source, destination), at: 0 });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      const difference = { kind: 'unreadable', path: directory, detail: error.message } as const;
      yield { kind: 'found', difference };
    }
  }

  #read(stack: DirectoryStack, directory: string, isSource: boolean): FoundName[] {
    const fd = stack.enter(directory);
    const { own, rootNames } = this.#options.passOver;
    return readSortedNames(fd, 'names').filter(({ name, isDirectory }) => {
      if (!isDirectory) return true;
      if (!isSource && directory === '' && rootNames.includes(name)) return false;
      return own === undefined || name !== own.name || !isSame(fd, name, own);
    });
  }
}

function isSame(fd: number, name: string, { device, inode }: Identity): boolean {
  return status.read(fd, nativeName(name)) >= 0 && status.device === device && status.inode === inode;
}

/** Merges two sorted lists by name. */
function pair(source: readonly FoundName[], destination: readonly FoundName[]): Paired[] {
  const pairs: Paired[] = [];
  let [from, to] = [0, 0];
  while (from < source.length || to < destination.length) {
    const [one, other] = [source[from], destination[to]];
    const order = one && other ? compareNames(one.name, other.name) : one ? -1 : 1;
    if (order <= 0) from++;
    if (order >= 0) to++;
    const name = (order <= 0 ? one : other)!.name;
    pairs.push({
      name,
      ...(order <= 0 ? { source: one! } : {}),
      ...(order >= 0 ? { destination: other! } : {}),
    });
  }
  return pairs;
}
