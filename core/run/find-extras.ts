import type { Candidate, Extra, ExtraStorage, Kept } from '../model/removal.ts';
import type { PlacedEntry, TapeReader } from './tape-reader.ts';

/** So many names of a directory are looked for on the tape at once. */
const batchSize = 50_000;
/** So many names are kept in memory until they are looked for among the directories of the tape. */
const namesAtOnce = 10_000;

/** By their names as a file system may take one for the other. */
type Names = Map<string, Candidate[]>;

/**
 * What is in directories of the destination and not in those of the source: neither on the tape, nor in the source at
 * this moment. Only directories whose lines are in `[from, to)` are looked at. What cannot be read is told and stays.
 * Undefined is given now and then, so that a caller who finds nothing can do something else meanwhile.
 */
export function* findExtras(
  tape: TapeReader,
  { from, to }: { readonly from: number; readonly to: number },
  storage: ExtraStorage,
): Generator<Extra | Kept | undefined> {
  let found: Names = new Map();
  let count = 0;
  for (const placed of from < to ? tape.between(from, to) : []) {
    if (placed.entry.kind !== 'directory') continue;
    yield undefined;
    try {
      for (const names of inBatches(storage.candidates(placed.path))) {
        for (const candidate of notInDirectory(tape, placed, names, storage)) {
          // The tape is read sooner than the source
          if (candidate.kind === 'other' && !storage.isStillExtra(candidate)) continue;
          add(found, candidate);
          count++;
        }
        if (count < namesAtOnce) continue;
        yield* notOnTape(tape, found, storage);
        [found, count] = [new Map(), 0];
      }
    } catch (error) {
      yield keptBy(error, placed.path);
    }
  }
  yield* notOnTape(tape, found, storage);
}

/** Larger ones: the tape is looked through for each. */
function* inBatches(lists: Iterable<readonly Candidate[]>): Generator<readonly Candidate[]> {
  let batch: Candidate[] = [];
  for (const list of lists) {
    for (const candidate of list) batch.push(candidate);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Without those that are on the tape as files and their like. */
function notInDirectory(
  tape: TapeReader,
  directory: PlacedEntry,
  candidates: readonly Candidate[],
  storage: ExtraStorage,
): Iterable<Candidate> {
  const left: Names = new Map();
  for (const candidate of candidates) add(left, candidate);
  const { ordinal, offset } = directory;
  for (const placed of tape.entries({ ordinal, offset, directory: offset })) {
    if (placed.ordinal === ordinal) continue;
    if (placed.entry.kind === 'directory' || left.size === 0) break;
    strike(left, placed.path, storage);
  }
  return everyOne(left);
}

function* notOnTape(tape: TapeReader, found: Names, storage: ExtraStorage): Generator<Extra | Kept> {
  if (found.size === 0) return;
  for (const { entries } of tape.blocksBackwards())
    for (const { entry, path } of entries) if (entry.kind === 'directory') strike(found, path, storage);
  for (const candidate of everyOne(found)) {
    try {
      yield* storage.extrasAt(candidate);
    } catch (error) {
      const kept = keptBy(error, candidate.path);
      // Somebody else has removed it meanwhile
      if (kept.cause !== 'ENOENT') yield kept;
    }
  }
}

function add(names: Names, candidate: Candidate): void {
  const folded = fold(candidate.path);
  const same = names.get(folded);
  if (same === undefined) names.set(folded, [candidate]);
  else same.push(candidate);
}

function strike(names: Names, path: string, storage: ExtraStorage): void {
  const folded = fold(path);
  const same = names.get(folded);
  if (same === undefined) return;
  const left = same.filter((other) => other.path !== path && !storage.isSameName(other.path, path));
  if (left.length === 0) names.delete(folded);
  else names.set(folded, left);
}

/**
 * The same for all names that any file system takes for one: without case, marks composed or not, letters that nobody sees, and
 * dots and spaces at the end. That others have it too costs only a look.
 */
function fold(path: string): string {
  if (/^[ -~]*$/.test(path) && !/[. ](?:\/|$)/.test(path)) return path.toUpperCase();
  const letters = path.normalize('NFKD').toLowerCase().toUpperCase().normalize('NFKD');
  return letters.replace(/\p{Default_Ignorable_Code_Point}/gu, '').replace(/[. ]+(?=\/|$)/g, '');
}

function* everyOne(names: Names): Generator<Candidate> {
  for (const same of names.values()) yield* same;
}

/** An error of a system call says what was being done; any other is bcopy's own. */
function keptBy(error: unknown, path: string): Kept {
  const { cause, action } = error as { cause?: unknown; action?: unknown };
  if (typeof cause === 'string' && typeof action === 'string') return { path, cause, action };
  throw error;
}
