import { BcopyError, exitCodes } from '../../core/model/errors.ts';
import type { CancelOptions } from '../job-options.ts';
import { cancelRun } from '../steps/cancel-run.ts';
import { findRunOfJob } from '../steps/find-run.ts';
import { tryToReport } from '../steps/report-run.ts';
import { readRunStatus } from '../steps/run-status.ts';
import { schedulerOf } from '../steps/scheduler-of-run.ts';
import type { CommandContext } from './context.ts';

/** `bcopy cancel JOBID`: ends all jobs of all attempts, and none follows; what is recorded stays, and --retry goes on from there. */
export async function cancel({ job }: CancelOptions, context: CommandContext): Promise<number> {
  const run = await findRunOfJob(job, context.environment);
  const scheduler = await schedulerOf(run, context);
  if (scheduler === undefined)
    throw new BcopyError('noScheduler', `cannot cancel job ${job}: its scheduler is not here`);
  const note = (message: string) => void context.stderr.write(`bcopy: ${message}\n`);
  const ended = await cancelRun(run, scheduler, note);
  if (!(await readRunStatus(ended, scheduler)).isFinished) await tryToReport(ended, note);
  context.stdout.write(`Job <${job}> is cancelled; the same command with --retry goes on with it.\n`);
  return exitCodes.done;
}
