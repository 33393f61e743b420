import { wholeEntriesOf } from '../core/model/plan.ts';
import { type Extra, type Kept, trashDirectory } from '../core/model/removal.ts';
import { type Attempt, readAttempt } from '../core/run/attempt-file.ts';
import { findExtras } from '../core/run/find-extras.ts';
import type { JournalEnd, JournalRecord } from '../core/run/journal-lines.ts';
import { isSuperseded, listJournals, readJournal } from '../core/run/journal-reader.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { rootsOf } from '../core/run/run-info.ts';
import { safeNamesOf } from '../core/run/safe-names.ts';
import { TapeReader } from '../core/run/tape-reader.ts';
import { Removal } from '../core/storage/posix/removal.ts';
import { openTrees } from './open-storage.ts';
import type { TaskOptions } from './task.ts';
import type { TaskContext } from './task-context.ts';

/** So many are recorded at once, at most. */
const recordsAtOnce = 100;
/** Whether it is to go on is looked at so often. */
const lookMs = 500;

/**
 * Takes away what the directories of one shard hold at the destination and not at the source. It looks anew: what was
 * removed by an earlier worker is not there any more, and what the source has got since stays.
 */
export async function runDeleteTask(
  context: TaskContext,
  { log, signal }: TaskOptions,
): Promise<JournalEnd['reason']> {
  const { paths, info, plan, journal: name, attempt } = context;
  const wish = attempt.delete!;
  const shard = name.shard as number;
  const tape = new TapeReader(paths);
  const removal = openTrees(() => new Removal(removalRequest(context)));
  const journal = await JournalWriter.create(paths, info.id, name, context.job, 'delete');
  const to = wish.to === 'trash' ? { to: `${trashDirectory}/${info.id}` } : {};
  const atMost = wish.atMost?.find((one) => one.shard === shard)?.entries ?? 0;
  const taken = new Taken(removal, atMost - (await removedBefore(context)), to, log);
  let reason: JournalEnd['reason'] | undefined;
  let lookedAt = Date.now();
  try {
    for (const found of findExtras(tape, wholeEntriesOf(plan.shards[shard]!), removal.extras)) {
      if (found !== undefined) taken.take(found);
      if (taken.records.length < recordsAtOnce && Date.now() - lookedAt < lookMs) continue;
      await journal.append(taken.records.splice(0));
      // Lets signals in
      await new Promise(setImmediate);
      lookedAt = Date.now();
      if (await isSuperseded(paths, name)) reason = 'superseded';
      else if (signal.aborted) reason = 'cut off';
      if (reason !== undefined) break;
    }
    reason ??= taken.hasKept ? 'failures' : 'complete';
    await journal.append(taken.records);
    await journal.end(reason);
    return reason;
  } finally {
    await journal.close();
    removal.close();
    tape.close();
  }
}

/** What other workers of the shard have taken away since it was decided how much may go. */
async function removedBefore({ paths, journal, attempt }: TaskContext): Promise<number> {
  let first = attempt;
  for (let before: Attempt | undefined = attempt; before?.phase === 'delete'; ) {
    first = before;
    before = first.continues === undefined ? undefined : await readAttempt(paths, first.continues);
  }
  let entries = 0;
  for (const { file, name } of await listJournals(paths)) {
    if (name.shard !== journal.shard || name.attempt < first.attempt) continue;
    for (const line of readJournal(file)) if (line.type === 'removed') entries += line.entries;
  }
  return entries;
}

/** What a task has taken away and what stays, as it is to be recorded; it takes no more than it may. */
class Taken {
  readonly records: JournalRecord[] = [];
  hasKept = false;
  readonly #removal: Removal;
  readonly #to: { readonly to?: string };
  readonly #log: TaskOptions['log'];
  #left: number;

  constructor(removal: Removal, atMost: number, to: { readonly to?: string }, log: TaskOptions['log']) {
    [this.#removal, this.#left, this.#to, this.#log] = [removal, atMost, to, log];
  }

  take(found: Extra | Kept): void {
    if (!('entries' in found)) this.#keep(found);
    else if (found.entries > this.#left) this.#keep(overLimit(found));
    else for (const one of this.#removal.remove(found)) this.#record(one);
  }

  #record(one: Extra | Kept): void {
    if (!('entries' in one)) this.#keep(one);
    else {
      this.#left -= one.entries;
      this.records.push({ type: 'removed', ...one, ...this.#to });
    }
  }

  #keep(kept: Kept): void {
    this.hasKept = true;
    this.records.push({ type: 'kept', ...kept });
    this.#log.kept(kept);
  }
}

function overLimit({ path }: Extra): Kept {
  return { path, cause: 'LIMIT', action: 'remove' };
}

function removalRequest({ info, attempt }: TaskContext): ConstructorParameters<typeof Removal>[0] {
  const { destination, filters } = info;
  return {
    run: info.id,
    to: attempt.delete!.to,
    roots: rootsOf(info),
    destination,
    filters,
    followsSymlinks: attempt.fidelity?.symlinks === 'follow',
    isSafe: safeNamesOf(info),
  };
}
