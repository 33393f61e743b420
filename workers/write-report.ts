import { chmod, rename, stat, writeFile } from 'node:fs/promises';
import { isComplete } from '../core/model/account.ts';
import { quoteForShell } from '../core/model/shell-words.ts';
import { readJobs } from '../core/run/attempt-file.ts';
import { accountOfRun, readRunState } from '../core/run/run-state.ts';
import { formatErr, formatLog, type ReportFacts } from './report.ts';
import type { TaskContext } from './task-context.ts';

/** The command that submits notes each job's number right after it was accepted; finish can be quicker than that. */
const patienceMs = 10_000;

/** Writes JOBID.log and JOBID.err whole, from the journals, and tells whether everything is at the destination. */
export async function writeReport(context: TaskContext): Promise<boolean> {
  const { paths, info, plan, attempt } = context;
  const state = await readRunState(paths, plan);
  const account = accountOfRun(plan, state);
  const job = await announcedJob(
    context,
    state.shards.flatMap(({ journals }) => journals.map((journal) => journal)),
  );
  const command = info.command.map(quoteForShell).join(' ');
  const facts: ReportFacts = { info, plan, attempt, state, account, job, command };
  await replace(paths.userLog(job, 'err'), formatErr(facts));
  await replace(paths.userLog(job, 'log'), formatLog(facts));
  return isComplete(account);
}

type Seen = { readonly job: string; readonly name: { readonly attempt: number } };

/** The number the user was told: the first array's, or finish's own when there was no array. */
async function announcedJob(
  { paths, attempt, job }: TaskContext,
  journals: readonly Seen[],
): Promise<string> {
  if (attempt.arrays.length === 0) return job;
  for (
    const end = Date.now() + patienceMs;
    Date.now() < end;
    await new Promise((resolve) => setTimeout(resolve, 100))
  ) {
    const { arrays } = await readJobs(paths, attempt);
    const first = arrays.find(({ number }) => number === 0);
    if (first !== undefined) return first.job;
  }
  const seen = journals.find(({ name }) => name.attempt === attempt.attempt);
  return seen?.job.split('_')[0] ?? job;
}

/** Complete or not at all; readable by whom the file was made readable for at submission. */
async function replace(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  const mode = await stat(file).then(
    (status) => status.mode & 0o777,
    () => undefined,
  );
  await writeFile(temporary, text);
  if (mode !== undefined) await chmod(temporary, mode);
  await rename(temporary, file);
}
