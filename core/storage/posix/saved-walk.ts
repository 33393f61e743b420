import { joinPath } from '../../model/entry.ts';
import { fromBytes } from '../../model/names.ts';
import type { SavedEntry } from '../../model/saved-list.ts';
import { DirectoryStack } from './directory-stack.ts';
import type { Identity } from './entry-rules.ts';
import { modeOf, typeOf } from './entry-sides.ts';
import { FileStatus } from './file-status.ts';
import { ENOENT, type NativeName, nativeName } from './libc.ts';
import { readlinkat } from './libc-names.ts';
import { openSourceDirectory } from './open-directory.ts';
import { readSortedNames } from './sorted-names.ts';
import { check, SystemError } from './system-error.ts';

/** An entry of a tree, or what could not be read: of a directory, nothing that is in it follows. */
export type WalkedSaved = SavedEntry | { readonly path: string; readonly unreadable: string };

export type SavedWalkOptions = {
  /** An open directory. */
  readonly root: number;
  /** What is not looked at, wherever it lies: bcopy's own directory, a list that is being written. */
  readonly passOver: readonly Identity[];
  /** The same of names at the root. */
  readonly rootNames: readonly string[];
};

type Frame = { readonly directory: string; readonly names: readonly string[]; at: number };

const targetBytes = Buffer.allocUnsafeSlow(4096);

/**
 * All of a tree, itself first, name by name in the order of their bytes; what is in a directory comes after it. Memory: the names of
 * the directories on the way. What vanishes meanwhile is left out.
 */
export class SavedWalk {
  readonly #options: SavedWalkOptions;
  readonly #directories: DirectoryStack;
  readonly #status = new FileStatus();
  readonly #frames: Frame[] = [];

  constructor(options: SavedWalkOptions) {
    this.#options = options;
    this.#directories = new DirectoryStack(options.root, openSourceDirectory);
  }

  *entries(): Generator<WalkedSaved> {
    try {
      yield* this.#take('', '.');
      for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
        const name = frame.names[frame.at++];
        if (name === undefined) this.#frames.pop();
        else yield* this.#take(frame.directory, name);
      }
    } finally {
      this.#directories.close();
    }
  }

  *#take(directory: string, name: string): Generator<WalkedSaved> {
    const path = name === '.' && directory === '' ? '' : joinPath(directory, name);
    try {
      const entry = this.#look(directory, name, path);
      if (entry === undefined) return;
      yield entry;
      if (entry.type === 'directory') this.#enter(path);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      yield { path, unreadable: error.message };
    }
  }

  #look(directory: string, name: string, path: string): SavedEntry | undefined {
    const fd = this.#directories.enter(directory);
    const native = nativeName(name);
    const status = this.#status;
    const result = status.read(fd, native);
    if (result === ENOENT) return undefined;
    check(result, 'look at');
    if (this.#options.passOver.some((own) => own.inode === status.inode && own.device === status.device))
      return undefined;
    const { type, bytes, mtime, uid, gid, isDevice, specialDevice } = status;
    return {
      path,
      type: typeOf(status) as SavedEntry['type'],
      ...(type === 'file' ? { size: bytes } : {}),
      mtime,
      ...(type === 'symlink' ? {} : { mode: modeOf(status) }),
      ...{ uid, gid },
      ...(type === 'symlink' ? { target: readTarget(fd, native) } : {}),
      ...(isDevice ? { device: specialDevice } : {}),
    };
  }

  #enter(directory: string): void {
    const { rootNames } = this.#options;
    const names = readSortedNames(this.#directories.enter(directory), 'names')
      .map(({ name }) => name)
      .filter((name) => directory !== '' || !rootNames.includes(name));
    this.#frames.push({ directory, names, at: 0 });
  }
}

function readTarget(directory: number, name: NativeName): string {
  const bytes = check(readlinkat(directory, name, targetBytes), 'read symlink');
  return fromBytes(targetBytes.subarray(0, bytes));
}
