import type { FileRequest, FinishedEntry, LinkRequest } from '../storage.ts';
import { completeDirectory } from './complete-directory.ts';
import {
  type CopyMeans,
  dividedFileAt,
  outcomeFor,
  type SourceEntry,
  sourceEntryAt,
  splitPath,
} from './copy-means.ts';
import { completeParts } from './divided-file.ts';
import type { Failed } from './entry-outcome.ts';
import type { EntryNotes } from './keeper.ts';
import { nativeName } from './libc.ts';
import { takeEntry } from './limits.ts';
import { mayPutInstead, putInsteadOfLink, putLink } from './put-link.ts';
import { putUnlocking } from './put-unlocking.ts';
import { keepsWhatIsThere, noteOfLeftDirectory } from './same-content.ts';
import { SystemError } from './system-error.ts';
import { temporaryName } from './temporary-names.ts';

export type FinishMeans = CopyMeans & {
  /** What the keeper notes of entries. */
  readonly notes: EntryNotes;
  /** False when the destination was new and nothing of this run can be there yet: then nothing is looked for. */
  readonly mayExist: boolean;
  /** What is older was there before this run; undefined: nothing was. */
  readonly begunAtMs: number | undefined;
};

/** Copies what can be done only when the tasks have ended, as Storage has it: divided files, further names, directories. */
export class EntryFinisher {
  readonly #means: FinishMeans;

  constructor(means: FinishMeans) {
    this.#means = means;
  }

  completeFile(request: FileRequest): FinishedEntry {
    return this.#finished(request, () => {
      const where = dividedFileAt(this.#means, request.ordinal, request.path);
      return putUnlocking((there) => completeParts(request, there, this.#means.content), where);
    });
  }

  linkEntry(request: LinkRequest): FinishedEntry {
    const { ordinal, path } = request;
    return this.#finished({ ordinal, path, bytes: 0 }, () => this.#link(request));
  }

  completeDirectory(ordinal: number, path: string): FinishedEntry {
    return this.#finished({ ordinal, path, bytes: 0 }, () =>
      completeDirectory(this.#means.trees, path, this.#means),
    );
  }

  #link({ ordinal, path, firstPath }: LinkRequest): 'linked' | 'skipped' | 'copied' {
    const { trees, writer, keeper, compare, mayExist, content } = this.#means;
    const [directory, entry] = splitPath(path);
    const [firstDirectory, firstName] = splitPath(firstPath);
    if (mayExist) this.#enterSource(directory);
    const destinationDirectory = trees.destinationDirectory(directory);
    const [name, temporary] = [nativeName(entry), temporaryName(writer, ordinal)];
    const there = { destinationDirectory, name, temporary, keeper, compare };
    const mayBeOther = keepsWhatIsThere(compare);
    try {
      return putUnlocking(putLink, {
        ...there,
        source: mayBeOther ? trees.sourcePlace(directory, entry) : undefined,
        firstDirectory: trees.firstDirectory(firstDirectory),
        firstName: nativeName(firstName),
      });
    } catch (error) {
      if (!mayPutInstead(error)) throw error;
      const facts = trees.factsOf(destinationDirectory);
      const source = this.#sourceEntryOr(error, directory, entry);
      const more = { ...source, mayExist: true, isDoubted: false, directory: facts, content };
      return putInsteadOfLink({ ...there, ...more }, error);
    }
  }

  /** What was at the destination already is narrowed to it, if it is there. */
  #enterSource(path: string): void {
    try {
      this.#means.trees.sourceDirectory(path);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }

  #sourceEntryOr(why: SystemError, path: string, name: string): SourceEntry {
    try {
      return sourceEntryAt(this.#means, path, name);
    } catch {
      throw why;
    }
  }

  #finished(entry: Failed, work: () => 'copied' | 'skipped' | 'linked'): FinishedEntry {
    const { notes, compare } = this.#means;
    takeEntry();
    notes.begin();
    try {
      const kind = work();
      notes.count();
      return { kind };
    } catch (error) {
      const left = noteOfLeftDirectory(error, compare);
      if (left === undefined) return { kind: 'outcome', outcome: outcomeFor(this.#means, entry, error) };
      notes.begin();
      notes.note(left);
      notes.count();
      return { kind: 'skipped' };
    }
  }
}
