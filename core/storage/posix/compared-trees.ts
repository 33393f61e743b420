import type { Comparison } from './compare-jobs.ts';
import { DirectoryStack } from './directory-stack.ts';
import { nativeName } from './libc.ts';
import { setLimits } from './limits.ts';
import { openExistingDirectory } from './open-directory.ts';
import { openedSource, type SourceDirectories, type SourcePlace, SourceTree } from './source-tree.ts';
import { SystemError } from './system-error.ts';

/** Two trees that are compared, by the paths of their entries. Directories along the path last asked for stay open. */
export class ComparedTrees {
  readonly comparison: Comparison;
  readonly #sources: SourceDirectories;
  readonly #destinations: DirectoryStack;

  constructor(comparison: Comparison) {
    this.comparison = comparison;
    const { source, limits } = comparison;
    if (limits !== undefined) setLimits(limits);
    this.#sources = typeof source === 'number' ? openedSource(source) : new SourceTree(source);
    this.#destinations = new DirectoryStack(comparison.destination, openExistingDirectory);
  }

  /** True when the top of the source is no directory of it. */
  get isVirtual(): boolean {
    return this.#sources.isVirtual;
  }

  /** Throws a SystemError where the directory cannot be opened. */
  sourceOf(directory: string, name: string): SourcePlace {
    return this.#sources.place(directory, name);
  }

  /** Throws a SystemError where the directory cannot be opened. */
  destinationOf(directory: string, name: string): SourcePlace {
    return { directory: this.#destinations.enter(directory), name: nativeName(name) };
  }

  close(): void {
    this.#sources.close();
    this.#destinations.close();
  }
}

/** Why something could not be read; throws what is no SystemError. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof SystemError) return error.message;
  throw error;
}
