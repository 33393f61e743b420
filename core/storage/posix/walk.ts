import type { Entry } from '../../model/entry.ts';
import { fromBytes } from '../../model/names.ts';
import type { Identity, RuleOptions } from './entry-rules.ts';
import type { EntrySink, LinkedInode } from './entry-sink.ts';
import { HardLinkTable } from './hard-link-table.ts';
import { close } from './libc.ts';
import { PendingDirectories } from './pending-directories.ts';
import type { Stretch, StretchEnd } from './stretch.ts';
import { StretchWalk } from './stretch-walk.ts';

export type WalkOptions = Omit<RuleOptions, 'forbidden'> & {
  /** An open directory, the root of the walk. */
  readonly root: number;
  /** A file that may be made while the walk has very many directories before it. */
  readonly spillFile: string;
  /** Where inodes with several names are kept, for who wants to know of them; left out: in a table of the walk's own. */
  readonly links?: HardLinkTable;
  /** Asked for every directory with this identity's inode number; throws to end the walk. */
  readonly forbidden: { readonly identity: Identity; readonly refuse: (path: string) => never } | undefined;
};

/**
 * Walks a tree once: each directory, then what is directly in it, then the directories in it. What cannot be read
 * is an `unreadable` entry, never an exception; what vanishes meanwhile is left out. Memory is fixed, but for the
 * table of files with several names. The same tree gives the same entries in the same order.
 */
export class TreeWalk {
  readonly #options: WalkOptions;
  readonly #links: HardLinkTable;
  readonly #pending: PendingDirectories;
  readonly #walk: StretchWalk;
  #next: Stretch | undefined = { kind: 'directories', paths: [''] };
  #ordinal = 0;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#links = options.links ?? new HardLinkTable();
    this.#pending = new PendingDirectories(options.spillFile);
    this.#walk = new StretchWalk({ ...options, forbidden: options.forbidden?.identity, namesAtMost: 1 });
  }

  *entries(): Generator<Entry> {
    const found = new FoundEntries();
    try {
      while (this.#next !== undefined) {
        found.clear();
        const end = this.#walk.walk(this.#next, found);
        this.#next = this.#after(end);
        for (const entry of found.entries) {
          yield this.#asLink(entry, found.linked.get(entry)) ?? entry;
          this.#ordinal++;
        }
        if (end.forbidden !== undefined) this.#options.forbidden?.refuse(end.forbidden);
      }
    } finally {
      this.#close();
    }
  }

  #after({ rest, pending }: StretchEnd): Stretch | undefined {
    for (const path of pending) this.#pending.push(path);
    if (rest !== undefined) return { kind: 'rest', rest };
    const path = this.#pending.pop();
    return path === undefined ? undefined : { kind: 'directories', paths: [path] };
  }

  #asLink(entry: Entry, inode: LinkedInode | undefined): Entry | undefined {
    if (inode === undefined || entry.kind === 'directory') return undefined;
    const { device, inodeLow, inodeHigh, names } = inode;
    const first = this.#links.firstOf(device, inodeLow, inodeHigh, this.#ordinal, names);
    return first === undefined ? undefined : { kind: 'link', name: entry.name, first };
  }

  #close(): void {
    if (this.#next?.kind === 'rest') close(this.#next.rest.fd);
    this.#next = undefined;
    this.#pending.close();
    this.#walk.close();
  }
}

class FoundEntries implements EntrySink {
  entries: Entry[] = [];
  readonly linked = new Map<Entry, LinkedInode>();

  clear(): void {
    this.entries = [];
    this.linked.clear();
  }

  directory(path: string): void {
    this.entries.push({ kind: 'directory', path });
  }

  file(buffer: Uint8Array, start: number, bytes: number): void {
    this.entries.push({ kind: 'file', name: nameAt(buffer, start), bytes });
  }

  symlink(buffer: Uint8Array, start: number): void {
    this.entries.push({ kind: 'symlink', name: nameAt(buffer, start) });
  }

  special(buffer: Uint8Array, start: number): void {
    this.entries.push({ kind: 'special', name: nameAt(buffer, start) });
  }

  unreadable(buffer: Uint8Array, start: number, errno: string): void {
    this.entries.push({ kind: 'unreadable', name: nameAt(buffer, start), errno });
  }

  same(): number {
    return this.entries.length - 1;
  }

  notSame(): void {}

  severalNames(inode: LinkedInode): void {
    this.linked.set(this.entries.at(-1)!, inode);
  }
}

function nameAt(buffer: Uint8Array, start: number): string {
  return fromBytes(buffer.subarray(start, buffer.indexOf(0, start)));
}
