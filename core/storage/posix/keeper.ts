import type { Fidelity, KeepWord, LossWord } from '../../model/fidelity.ts';
import { SystemError } from './system-error.ts';

/** Counts what could not be kept, by kind: told once per kind, not once per file. */
export type NoteCounter = (note: string) => void;

/** What is to be kept of entries, and what becomes of a loss: a note, or the entry's failure. */
export class Keeper {
  readonly owner: boolean;
  readonly mode: boolean;
  readonly times: boolean;
  readonly xattr: boolean;
  readonly acl: boolean;
  readonly skipsSymlinks: boolean;
  readonly followsSymlinks: boolean;
  readonly note: NoteCounter;
  readonly #required: ReadonlySet<LossWord>;

  constructor({ keep, require, symlinks }: Fidelity, note: NoteCounter) {
    const keeps = (word: KeepWord) => keep.includes(word);
    this.owner = keeps('owner');
    this.mode = keeps('mode');
    this.times = keeps('times');
    this.xattr = keeps('xattr');
    this.acl = keeps('acl');
    this.skipsSymlinks = symlinks === 'skip';
    this.followsSymlinks = symlinks === 'follow';
    this.note = note;
    this.#required = new Set(require);
  }

  /** Notes that something is lost; throws `NOT_KEPT` when it is required. */
  lose(kind: LossWord, note: string): void {
    if (this.#required.has(kind)) throw new SystemError('NOT_KEPT', `keep ${kind}`);
    this.note(note);
  }
}

/** Notes of one entry at a time: each kind once however often it was tried, and none of an entry that failed. */
export class EntryNotes {
  readonly note: NoteCounter = (note) => void this.#ofEntry.add(note);
  readonly #ofEntry = new Set<string>();
  #counts = new Map<string, number>();

  /** Forgets what was noted of an entry that did not come to its end. */
  begin(): void {
    if (this.#ofEntry.size > 0) this.#ofEntry.clear();
  }

  /** Counts what was noted of an entry that is done. */
  count(): void {
    if (this.#ofEntry.size === 0) return;
    for (const note of this.#ofEntry) this.#counts.set(note, (this.#counts.get(note) ?? 0) + 1);
    this.#ofEntry.clear();
  }

  /** All counts since the last call. */
  take(): ReadonlyMap<string, number> {
    const counts = this.#counts;
    this.#counts = new Map();
    return counts;
  }
}
