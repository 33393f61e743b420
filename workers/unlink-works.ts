import { bytesOf } from '../core/model/entry.ts';
import type { Range, RangeSet } from '../core/model/ranges.ts';
import type { TapeReader } from '../core/run/tape-reader.ts';
import type { UnlinkJob } from '../core/storage/posix/unlinker.ts';

const namesAtMost = 256;
const directoriesAtMost = 64;
/** So many entries of the tape are looked through for directories at a time. */
const entriesAtOnce = 8192;

/** One job, the planned bytes of each thing in it, and up to where all but directories are done with it. */
export type UnlinkWork = { readonly job: UnlinkJob; readonly bytes: readonly number[]; readonly to: number };

/** Names as they come on the tape, without those that are done; none is that of a directory that could be read. */
export function* worksOfNames(tape: TapeReader, { from, to }: Range, done: RangeSet): Generator<UnlinkWork> {
  let [directory, names, bytes]: [string, string[], number[]] = ['', [], []];
  for (const { ordinal, directoryPath, entry } of from < to ? tape.between(from, to) : []) {
    const isFull = names.length === namesAtMost || directoryPath !== directory;
    if (isFull && names.length > 0) {
      yield { job: { kind: 'names', directory, names }, bytes, to: ordinal };
      [names, bytes] = [[], []];
    }
    directory = directoryPath;
    // Without a name it is the directory itself that could not be read
    if (entry.kind === 'directory' || entry.name === '' || done.has(ordinal)) continue;
    names.push(entry.name);
    bytes.push(bytesOf(entry));
  }
  if (names.length > 0) yield { job: { kind: 'names', directory, names }, bytes, to };
}

/** Directories backwards, so that each comes before what it lies in; the tree itself is left. */
export function* worksOfDirectories(tape: TapeReader, { from, to }: Range): Generator<UnlinkWork> {
  for (let end = to; end > from; end -= entriesAtOnce) {
    const paths: string[] = [];
    for (const { entry } of tape.between(Math.max(from, end - entriesAtOnce), end))
      if (entry.kind === 'directory' && entry.path !== '') paths.push(entry.path);
    yield* worksOf(paths.reverse());
  }
}

/** Directories in their order, some in each job. */
export function* worksOf(directories: readonly string[]): Generator<UnlinkWork> {
  for (let at = 0; at < directories.length; at += directoriesAtMost) {
    const paths = directories.slice(at, at + directoriesAtMost);
    yield { job: { kind: 'directories', paths }, bytes: paths.map(() => 0), to: 0 };
  }
}
