import { lstat } from 'node:fs/promises';
import type { Account } from '../model/account.ts';
import type { Plan } from '../model/plan.ts';
import { quoteForShell } from '../model/shell-words.ts';
import type { Attempt } from './attempt-file.ts';
import { replaceFile } from './files.ts';
import { type Next, readNext } from './next-file.ts';
import { formatErr, formatLog } from './report.ts';
import { formatTreeErr, formatTreeLog } from './report-tree.ts';
import type { RunInfo } from './run-info.ts';
import type { RunPaths } from './run-paths.ts';
import { accountOfRun, readRunState } from './run-state.ts';
import { accountOfTree, readTreeWork } from './tree-work.ts';

export type ReportRequest = {
  readonly paths: RunPaths;
  readonly info: RunInfo;
  readonly plan: Plan;
  readonly attempt: Attempt;
  /** The number that was announced. */
  readonly job: string;
  /** What follows the attempt; left out: what is written down of it. */
  readonly next?: Next | undefined;
};

/** Writes JOBID.log and JOBID.err whole, from the journals as they are now, and returns the account they tell. */
export async function writeReport(request: ReportRequest): Promise<Account> {
  const { paths, info, plan, attempt, job } = request;
  const state = await readRunState(paths, plan);
  const work = await readTreeWork(paths, plan, attempt);
  const ofTree = accountOfTree(plan, info, work);
  const account = ofTree ?? accountOfRun(plan, state);
  const next = request.next ?? (await readNext(paths, attempt.attempt));
  const command = info.command.map(quoteForShell).join(' ');
  const facts = { info, plan, attempt, next, state, account, work, job, command };
  const tree = ofTree === undefined ? undefined : work;
  await replace(paths.userLog(job, 'err'), tree ? formatTreeErr(facts, tree) : formatErr(facts));
  await replace(paths.userLog(job, 'log'), tree ? formatTreeLog(facts, tree) : formatLog(facts));
  return account;
}

/** Readable by whom the file was made readable for at submission. */
async function replace(file: string, text: string): Promise<void> {
  const earlier = await lstat(file).catch(() => undefined);
  const isOurs = earlier?.isFile() === true && earlier.uid === process.geteuid?.();
  await replaceFile(file, text, isOurs ? earlier.mode & 0o777 : undefined);
}
