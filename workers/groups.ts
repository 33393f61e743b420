import { bytesOf, type Entry, joinPath } from '../core/model/entry.ts';
import type { PlacedEntry } from '../core/run/tape-reader.ts';
import type { EntryBatch, EntryGroup } from '../core/storage/storage.ts';

/** A group is full with so many bytes, however few entries. */
const bytesPerGroup = 64 * 1024 * 1024;

const letters: Record<Entry['kind'], string> = {
  directory: 'd',
  file: 'f',
  link: 'l',
  symlink: 's',
  special: 'p',
  unreadable: 'x',
};

/**
 * Cuts entries into groups of consecutive ordinals, in order, leaving out those that are settled. `size` is asked when
 * a group begins, for its number of entries. A group that is half full ends where a directory begins: threads that
 * make files in one directory wait for each other.
 */
export function* groupsOf(
  entries: Iterable<PlacedEntry>,
  isSettled: (placed: PlacedEntry) => boolean,
  size: (ordinal: number) => number,
): Generator<EntryGroup> {
  let builder: GroupBuilder | undefined;
  for (const placed of entries) {
    const settled = isSettled(placed);
    if (builder !== undefined && (settled || builder.endsBefore(placed))) {
      yield builder.group;
      builder = undefined;
    }
    if (settled) continue;
    builder ??= new GroupBuilder(placed.ordinal, size(placed.ordinal));
    builder.add(placed);
  }
  if (builder !== undefined) yield builder.group;
}

class GroupBuilder {
  readonly #from: number;
  readonly #size: number;
  readonly #batches: EntryBatch[] = [];
  #count = 0;
  #totalBytes = 0;
  #directory = '';
  #ordinal = 0;
  #kinds = '';
  #names: string[] = [];
  #bytes: number[] = [];
  #errnos = new Map<number, string>();

  constructor(from: number, size: number) {
    this.#from = from;
    this.#size = size;
  }

  endsBefore({ entry }: PlacedEntry): boolean {
    if (this.#count >= this.#size || this.#totalBytes >= bytesPerGroup) return true;
    return entry.kind === 'directory' && this.#count * 2 >= this.#size;
  }

  get group(): EntryGroup {
    this.#endBatch();
    return { from: this.#from, to: this.#from + this.#count, batches: this.#batches };
  }

  add({ ordinal, entry, directoryPath }: PlacedEntry): void {
    if (this.#kinds === '' || entry.kind === 'directory') this.#beginBatch(ordinal, directoryPath);
    if (entry.kind === 'unreadable') this.#errnos.set(this.#kinds.length, entry.errno);
    this.#kinds += letters[entry.kind];
    this.#names.push(entry.kind === 'directory' ? '' : entry.name);
    this.#bytes.push(bytesOf(entry));
    this.#count++;
    this.#totalBytes += bytesOf(entry);
  }

  #beginBatch(ordinal: number, directory: string): void {
    this.#endBatch();
    [this.#ordinal, this.#directory] = [ordinal, directory];
  }

  #endBatch(): void {
    if (this.#kinds === '') return;
    this.#batches.push({
      directory: this.#directory,
      ordinal: this.#ordinal,
      kinds: this.#kinds,
      names: this.#names,
      bytes: this.#bytes,
      errnos: this.#errnos,
    });
    [this.#kinds, this.#names, this.#bytes, this.#errnos] = ['', [], [], new Map()];
  }
}

/** The path and the planned bytes of an entry of a group. */
export function entryOf(group: EntryGroup, ordinal: number): { path: string; bytes: number } {
  const batch = group.batches.findLast((candidate) => candidate.ordinal <= ordinal)!;
  const i = ordinal - batch.ordinal;
  return { path: joinPath(batch.directory, batch.names[i]!), bytes: batch.bytes[i]! };
}

/** Some entries of a group alone, each in a batch of its own, for another try. */
export function groupOfSome(group: EntryGroup, ordinals: readonly number[]): EntryGroup {
  const batches = ordinals.flatMap((ordinal) => groupOfOne(group, ordinal).batches);
  return { from: ordinals[0]!, to: ordinals[0]! + ordinals.length, batches };
}

export function groupOfOne(group: EntryGroup, ordinal: number): EntryGroup {
  const batch = group.batches.findLast((candidate) => candidate.ordinal <= ordinal)!;
  const i = ordinal - batch.ordinal;
  const errno = batch.errnos.get(i);
  const one: EntryBatch = {
    directory: batch.directory,
    ordinal,
    kinds: batch.kinds[i]!,
    names: [batch.names[i]!],
    bytes: [batch.bytes[i]!],
    errnos: new Map(errno === undefined ? [] : [[0, errno]]),
  };
  return { from: ordinal, to: ordinal + 1, batches: [one] };
}
