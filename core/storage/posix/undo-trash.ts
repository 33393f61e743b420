import { joinPath } from '../../model/entry.ts';
import { type Kept, trashDirectory } from '../../model/removal.ts';
import { DirectoryNames } from './directory-names.ts';
import { DirectoryStack } from './directory-stack.ts';
import { split } from './extras.ts';
import { FileStatus } from './file-status.ts';
import { keepingFacts } from './keeping-facts.ts';
import { close, EEXIST, errnoName, lseek, nativeName, SEEK_SET } from './libc.ts';
import { removeDirectory } from './libc-removal.ts';
import { openExistingDirectory } from './open-directory.ts';
import { SystemError } from './system-error.ts';
import { moveKept, openOwn } from './trash.ts';
import { type DestinationRequest, openPlannedDestination } from './two-roots.ts';

const ENOTEMPTY = -39;
const status = new FileStatus();

export type Undone = { readonly names: number; readonly kept: readonly Kept[] };

/**
 * Brings back what a run has put into its trash, each thing to the path that it had, if nothing is there; directories keep their times.
 * What the trash has left is removed. Undefined when the run has no trash. Throws a SystemError where the destination is not that of the plan.
 */
export function undoTrash(destination: DestinationRequest, run: string): Undone | undefined {
  const root = openPlannedDestination(destination);
  try {
    const all = openOwn(root, trashDirectory);
    if (all === undefined) return undefined;
    try {
      return undoRun(root, all, run);
    } finally {
      keepingFacts([root], () => removeDirectory(root, trashDirectory));
      close(all);
    }
  } finally {
    close(root);
  }
}

function undoRun(root: number, all: number, run: string): Undone | undefined {
  const trash = openOwn(all, nativeName(run));
  if (trash === undefined) return undefined;
  const undo = new TrashUndo(root, trash);
  try {
    undo.run();
    removeDirectory(all, nativeName(run));
    return undo;
  } finally {
    undo.close();
    close(trash);
  }
}

class TrashUndo implements Undone {
  names = 0;
  readonly kept: Kept[] = [];
  readonly #destination: DirectoryStack;
  readonly #trash: DirectoryStack;
  readonly #listed = new DirectoryNames();

  constructor(destination: number, trash: number) {
    this.#destination = new DirectoryStack(destination, openExistingDirectory);
    this.#trash = new DirectoryStack(trash, openExistingDirectory);
  }

  run(): void {
    const pending = [''];
    const emptied: string[] = [];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      const directory = path;
      this.#trying(directory, () => pending.push(...this.#bringBack(directory)));
      if (path !== '') emptied.push(path);
    }
    // Deepest last
    for (const path of emptied.toReversed()) this.#trying(path, () => this.#removeEmptied(path));
  }

  close(): void {
    this.#destination.close();
    this.#trash.close();
  }

  /** What is in the way in one directory keeps nothing of the others in the trash. */
  #trying(path: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof SystemError) || path === '') throw error;
      this.kept.push({ path, cause: error.cause, action: error.action });
    }
  }

  /** All names of a directory of the trash, but for directories that are at the destination too: those are given. */
  #bringBack(directory: string): string[] {
    const from = this.#trash.enter(directory);
    const to = this.#destination.enter(directory);
    // Moving names away must not hide others from the reader
    lseek(from, 0, SEEK_SET);
    const names = Array.from(this.#listed.read(from), ({ name }) => name);
    const both: string[] = [];
    for (const name of names) {
      const moved = moveKept(from, to, nativeName(name));
      const path = joinPath(directory, name);
      if (moved === 0) this.names++;
      else if (moved === EEXIST && isDirectory(from, name) && isDirectory(to, name)) both.push(path);
      else this.kept.push({ path, cause: errnoName(moved), action: 'bring back' });
    }
    return both;
  }

  #removeEmptied(path: string): void {
    const [directory, name] = split(path);
    const removed = removeDirectory(this.#trash.enter(directory), name);
    if (removed < 0 && removed !== ENOTEMPTY)
      this.kept.push({ path, cause: errnoName(removed), action: 'remove from the trash' });
  }
}

function isDirectory(parent: number, name: string): boolean {
  return status.read(parent, nativeName(name)) === 0 && status.type === 'directory';
}
