import { BcopyError, exitCodes } from '../../core/model/errors.ts';
import type { StatusOptions } from '../job-options.ts';
import { formatRunLine, formatStatus, statusFacts } from '../output/status-text.ts';
import { findRunOfJob, listRuns, readRun } from '../steps/find-run.ts';
import { readRunStatus } from '../steps/run-status.ts';
import { schedulerOf } from '../steps/scheduler-of-run.ts';
import type { CommandContext } from './context.ts';

/** `bcopy status [JOBID]`: how far one copy is, or a line for each run made in this directory. */
export async function status(options: StatusOptions, context: CommandContext): Promise<number> {
  const write = (text: string) => void context.stdout.write(text);
  if (options.job !== undefined) {
    const run = await findRunOfJob(options.job, context.environment);
    const facts = await readRunStatus(run, await schedulerOf(run, context));
    write(options.json ? `${JSON.stringify(statusFacts(facts))}\n` : formatStatus(facts));
    return exitCodes.done;
  }
  const ids = await listRuns();
  if (ids.length === 0 && !options.json) context.stderr.write('bcopy: no runs were made in this directory\n');
  for (const id of ids) write(await describe(id, options.json, context));
  return exitCodes.done;
}

/** A run that cannot be read is told as one; the others are shown all the same. */
async function describe(id: string, json: boolean, context: CommandContext): Promise<string> {
  try {
    const run = await readRun(id);
    const facts = await readRunStatus(run, await schedulerOf(run, context));
    return json ? `${JSON.stringify(statusFacts(facts))}\n` : formatRunLine(facts);
  } catch (error) {
    if (!(error instanceof BcopyError)) throw error;
    return json ? `${JSON.stringify({ run: id, error: error.message })}\n` : `${id}  ${error.message}\n`;
  }
}
