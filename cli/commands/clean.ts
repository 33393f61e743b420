import { BcopyError, exitCodes } from '../../core/model/errors.ts';
import { isRunId } from '../../core/run/run-paths.ts';
import type { CleanOptions } from '../job-options.ts';
import { formatCleaned, formatKept, formatTotal } from '../output/clean-text.ts';
import { type CleanedRun, cleanRun } from '../steps/clean-run.ts';
import { refuseForeignRuns } from '../steps/create-run.ts';
import { findIdOfJob, listRuns } from '../steps/find-run.ts';
import { type JudgedRun, judgeRun } from '../steps/judge-run.ts';
import type { CommandContext } from './context.ts';

/**
 * `bcopy clean [JOBID]`: removes the complete runs made in this directory, and what their workers left at the
 * destinations; with JOBID that run, complete or not. All are looked at before the first is removed.
 */
export async function clean({ job, dryRun }: CleanOptions, context: CommandContext): Promise<number> {
  const write = (text: string) => void context.stdout.write(text);
  const runs = job === undefined ? await judgeAll(context) : [await judgeNamed(job, context)];
  const cleaned: CleanedRun[] = [];
  for (const run of runs) {
    if (!isGoing(run, job)) {
      write(formatKept(run));
      continue;
    }
    cleaned.push(await cleanRun(run, { removes: !dryRun, looksEverywhere: job !== undefined }, context));
    write(formatCleaned(cleaned.at(-1)!, dryRun));
  }
  write(formatTotal(cleaned, dryRun));
  return exitCodes.done;
}

type Going = JudgedRun & { readonly kind: 'complete' | 'incomplete' | 'damaged' };

/** Only what was named is given up. */
function isGoing(run: JudgedRun, named: string | undefined): run is Going {
  if (run.kind === 'complete') return true;
  return named !== undefined && (run.kind === 'incomplete' || run.kind === 'damaged');
}

async function judgeAll(context: CommandContext): Promise<JudgedRun[]> {
  await refuseForeignRuns();
  const runs: JudgedRun[] = [];
  for (const id of await listRuns()) {
    const run = await judgeRun(id, context);
    if (run.kind === 'unasked') throw run.error;
    runs.push(run);
  }
  return runs;
}

async function judgeNamed(named: string, context: CommandContext): Promise<JudgedRun> {
  const id = isRunId(named) ? await existing(named) : await findIdOfJob(named, context.environment);
  await refuseForeignRuns();
  const run = await judgeRun(id, context);
  if (run.kind === 'unasked') throw run.error;
  if (run.kind === 'busy') {
    throw new BcopyError('runBusy', `cannot remove run ${id}: job ${run.living} is pending or running`, {
      hint: `bcopy cancel ${run.job ?? run.living} ends it`,
    });
  }
  if (run.kind === 'foreign')
    throw new BcopyError('destinationUnwritable', `cannot remove run ${id}: it belongs to somebody else`);
  return run;
}

async function existing(id: string): Promise<string> {
  if ((await listRuns()).includes(id)) return id;
  throw new BcopyError('runNotFound', `cannot find run ${id}: it was not made in this directory`);
}
