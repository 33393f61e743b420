import { isComplete } from '../core/model/account.ts';
import { addTally, emptyTally } from '../core/model/outcome.ts';
import { dividedFiles } from '../core/model/plan.ts';
import type { JournalRecord } from '../core/run/journal-lines.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { type RunState, readRunState } from '../core/run/run-state.ts';
import { TapeReader } from '../core/run/tape-reader.ts';
import { isVerificationWhole } from '../core/run/to-verify.ts';
import { writeReport } from '../core/run/write-report.ts';
import { announcedJob } from './announced-job.ts';
import type { TaskContext } from './task-context.ts';
import { findWrongLinks } from './wrong-links.ts';

/**
 * What follows tasks that compare: files are found that are one at the destination and several in the source, and JOBID.log and
 * JOBID.err are written. True when all is compared, and nothing differs.
 */
export async function runVerifyFinish(context: TaskContext): Promise<boolean> {
  const { paths, info, plan, attempt, journal: name, job } = context;
  const { since = attempt.attempt } = attempt.verify!;
  const before = await readRunState(paths, plan);
  const journal = await JournalWriter.create(paths, info.id, name, job, 'verify', since);
  const tape = new TapeReader(paths);
  try {
    const wrong = await findWrongLinks(context, { since, open: before.verification.open }, tape);
    const different = new Set(wrong.map(({ ordinal }) => ordinal!));
    await journal.append(wrong);
    await journal.append(wholeFiles(context, before, tape, different));
    if (info.purpose === 'verify') await journal.append(foundAsTheyShouldBe(tape, before, different));
    const account = await writeReport({ ...context, job: await announcedJob(context) });
    const state = await readRunState(paths, plan);
    const isWhole = isComplete(account) && isVerificationWhole(attempt, info, plan, state);
    await journal.end(isWhole ? 'complete' : state.verification.count > 0 ? 'differences' : 'failures');
    return isWhole;
  } finally {
    await journal.close();
    tape.close();
  }
}

/** Divided files that nobody has copied, or that were found to differ before, and are as they should be. */
function wholeFiles(
  { plan }: TaskContext,
  { finish, verification }: RunState,
  tape: TapeReader,
  different: ReadonlySet<number>,
): JournalRecord[] {
  return [...dividedFiles(plan).keys()].flatMap((ordinal): JournalRecord[] => {
    const open = verification.open.get(ordinal);
    if (finish.files.has(ordinal) || different.has(ordinal) || open?.since === verification.since) return [];
    const { entry } = tape.at(ordinal);
    const bytes = entry.kind === 'file' ? entry.bytes : 0;
    if (verification.pieces.get(ordinal)?.covers(0, bytes) !== true) return [];
    return [{ type: 'file', ordinal, outcome: 'skipped', bytes }];
  });
}

/** Directories and further names that were compared and do not differ, backwards along the tape: the rest is no worker's affair. */
function foundAsTheyShouldBe(
  tape: TapeReader,
  { verification }: RunState,
  different: ReadonlySet<number>,
): JournalRecord[] {
  const records: JournalRecord[] = [];
  for (const { from, to, entries } of tape.blocksBackwards()) {
    let range = { from, to: from, skipped: emptyTally() };
    const end = (at: number, next: number) => {
      const rest = { copied: emptyTally(), linked: emptyTally(), skipped: range.skipped };
      if (at > range.from) records.push({ type: 'done', ...rest, from: range.from, to: at });
      range = { from: next, to: next, skipped: emptyTally() };
    };
    for (const { ordinal, entry } of entries) {
      if (entry.kind !== 'directory' && entry.kind !== 'link') continue;
      const isSame = !verification.open.has(ordinal) && !different.has(ordinal);
      if (isSame && verification.verified.has(ordinal)) addTally(range.skipped, { entries: 1, bytes: 0 });
      else end(ordinal, ordinal + 1);
    }
    end(to, to);
  }
  return records;
}
