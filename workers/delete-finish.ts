import { isComplete } from '../core/model/account.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { isRemovalWhole } from '../core/run/removals.ts';
import { readRunState } from '../core/run/run-state.ts';
import { writeReport } from '../core/run/write-report.ts';
import { announcedJob } from './announced-job.ts';
import type { TaskContext } from './task-context.ts';

/**
 * What follows tasks that remove: JOBID.log and JOBID.err. Directories have kept their times, so nothing is to be completed. True when
 * everything is at the destination, and nothing stays there that was to go.
 */
export async function runDeleteFinish(context: TaskContext): Promise<boolean> {
  const { paths, info, plan, attempt, journal: name, job } = context;
  const journal = await JournalWriter.create(paths, info.id, name, job, 'delete');
  try {
    const account = await writeReport({ ...context, job: await announcedJob(context) });
    const isGone = isRemovalWhole(attempt, await readRunState(paths, plan));
    await journal.end(isGone ? 'complete' : 'failures');
    return isGone && isComplete(account);
  } finally {
    await journal.close();
  }
}
