import { BcopyError } from '../../core/model/errors.ts';
import type { CommandContext } from '../commands/context.ts';
import type { FoundRun } from './find-run.ts';
import { isBusy } from './run-phase.ts';
import { readRunStatus } from './run-status.ts';
import { schedulerOf } from './scheduler-of-run.ts';

/** Nothing is done to a run that is under way. */
export async function refuseBusy(run: FoundRun, context: CommandContext, command: string): Promise<void> {
  const { phase, job } = await readRunStatus(run, await schedulerOf(run, context));
  if (!isBusy(phase)) return;
  throw new BcopyError('runBusy', `cannot ${command} run ${run.info.id}: job ${job} is still at work`, {
    hint: `bcopy status ${job} shows how far it is; bcopy cancel ${job} ends it`,
  });
}
