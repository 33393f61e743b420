import type { DiffersLine } from '../core/run/journal-lines.ts';
import { listJournals, readJournal } from '../core/run/journal-reader.ts';
import type { PlacedEntry, TapeReader } from '../core/run/tape-reader.ts';
import type { Verification } from '../core/run/verification.ts';
import { DirectoryStack } from '../core/storage/posix/directory-stack.ts';
import { FileStatus } from '../core/storage/posix/file-status.ts';
import { close, nativeName } from '../core/storage/posix/libc.ts';
import { openExistingDirectory } from '../core/storage/posix/open-directory.ts';
import { SystemError } from '../core/storage/posix/system-error.ts';
import { openPlannedDestination } from '../core/storage/posix/two-roots.ts';
import { openTrees } from './open-storage.ts';
import type { TaskContext } from './task-context.ts';
import { differenceOf } from './verify-content.ts';

const detail = 'a further name, but a file of its own in the source';

/**
 * Files of the source that are one file at the destination; tasks have told which have several names there. The first on the
 * tape that differs in nothing else is taken for right. Memory grows with the number of such files.
 */
export async function findWrongLinks(
  context: TaskContext,
  { since, open }: Pick<Verification, 'since' | 'open'>,
  tape: TapeReader,
): Promise<DiffersLine[]> {
  const pairs: [first: number, other: number][] = [];
  for (const ordinals of (await namesOf(context, since)).values()) {
    const rank = (ordinal: number) => (open.has(ordinal) ? 1 : 0);
    const [first, ...others] = [...ordinals].sort((a, b) => rank(a) - rank(b) || a - b);
    for (const other of others) pairs.push([first!, other]);
  }
  if (pairs.length === 0) return [];
  const sorted = pairs.sort(([, one], [, other]) => one - other);
  const looker = new Looker(context);
  try {
    return sorted
      .map(([first, other]) => [tape.at(first), tape.at(other)] as const)
      .filter(([first, other]) => looker.areOne(first, other))
      .map(([, other]) => differenceOf(other, { kind: 'hard-links', detail }));
  } finally {
    looker.close();
  }
}

/** By inode. */
async function namesOf({ paths }: TaskContext, since: number): Promise<Map<string, Set<number>>> {
  const ordinals = new Map<string, Set<number>>();
  for (const { file, name } of await listJournals(paths)) {
    if (name.attempt < since || name.shard === 'finish') continue;
    for (const line of readJournal(file)) {
      if (line.type !== 'names') continue;
      for (const [ordinal, inode] of line.files) {
        const known = ordinals.get(inode);
        if (known === undefined) ordinals.set(inode, new Set([ordinal]));
        else known.add(ordinal);
      }
    }
  }
  return ordinals;
}

/** Looks again: inodes of two file systems may be equal, and what a task has seen may have been mended since. */
class Looker {
  readonly #root: number;
  readonly #directories: DirectoryStack;
  readonly #others: DirectoryStack;
  readonly #status = new FileStatus();
  readonly #other = new FileStatus();

  constructor({ info }: TaskContext) {
    this.#root = openTrees(() => openPlannedDestination(info.destination));
    this.#directories = new DirectoryStack(this.#root, openExistingDirectory);
    this.#others = new DirectoryStack(this.#root, openExistingDirectory);
  }

  areOne(first: PlacedEntry, other: PlacedEntry): boolean {
    try {
      return (
        read(this.#directories, first, this.#status) &&
        read(this.#others, other, this.#other) &&
        this.#status.isSameFileAs(this.#other)
      );
    } catch (error) {
      if (error instanceof SystemError) return false;
      throw error;
    }
  }

  close(): void {
    this.#directories.close();
    this.#others.close();
    close(this.#root);
  }
}

function read(
  directories: DirectoryStack,
  { directoryPath, path }: PlacedEntry,
  status: FileStatus,
): boolean {
  const name = directoryPath === '' ? path : path.slice(directoryPath.length + 1);
  return status.read(directories.enter(directoryPath), nativeName(name)) === 0;
}
