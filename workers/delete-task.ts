import { wholeEntriesOf } from '../core/model/plan.ts';
import { type Extra, type Kept, trashDirectory } from '../core/model/removal.ts';
import { findExtras } from '../core/run/find-extras.ts';
import type { JournalEnd, JournalRecord } from '../core/run/journal-lines.ts';
import { isSuperseded } from '../core/run/journal-reader.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { safeNamesOf } from '../core/run/safe-names.ts';
import { TapeReader } from '../core/run/tape-reader.ts';
import { Removal } from '../core/storage/posix/removal.ts';
import type { TaskOptions } from './task.ts';
import type { TaskContext } from './task-context.ts';
import { openTrees } from './task-context.ts';

/** So many are recorded at once, at most. */
const recordsAtOnce = 100;

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
  let left = wish.atMost?.find((one) => one.shard === shard)?.entries ?? 0;
  let records: JournalRecord[] = [];
  let reason: JournalEnd['reason'] = 'complete';
  const take = (found: Extra | Kept) => {
    const isOver = 'entries' in found && found.entries > left;
    const done = isOver ? [overLimit(found)] : 'entries' in found ? removal.remove(found) : [found];
    for (const one of done) {
      if ('entries' in one) left -= one.entries;
      else reason = 'failures';
      records.push('entries' in one ? { type: 'removed', ...one, ...to } : { type: 'kept', ...one });
      if (!('entries' in one)) log.kept(one);
    }
  };
  try {
    for (const found of findExtras(tape, wholeEntriesOf(plan.shards[shard]!), removal.extras)) {
      take(found);
      if (records.length < recordsAtOnce) continue;
      await journal.append(records);
      records = [];
      // Lets signals in
      await new Promise(setImmediate);
      if (await isSuperseded(paths, name)) reason = 'superseded';
      else if (signal.aborted) reason = 'cut off';
      else continue;
      break;
    }
    await journal.append(records);
    await journal.end(reason);
    return reason;
  } finally {
    await journal.close();
    removal.close();
    tape.close();
  }
}

function overLimit({ path }: Extra): Kept {
  return { path, cause: 'LIMIT', action: 'remove' };
}

function removalRequest({ info, attempt }: TaskContext): ConstructorParameters<typeof Removal>[0] {
  const { source, destination } = info;
  return {
    run: info.id,
    to: attempt.delete!.to,
    source,
    destination,
    followsSymlinks: attempt.fidelity?.symlinks === 'follow',
    isSafe: safeNamesOf(info),
  };
}
