import type { CommandContext } from '../commands/context.ts';
import { chooseScheduler } from '../schedulers/choose.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { FoundRun } from './find-run.ts';
import { packagePaths } from './package-paths.ts';

/** Who only asks does not wait for minutes. */
const patience = { attempts: 3, minTimeoutMs: 500, maxTimeoutMs: 2000 };

/** The scheduler that the newest attempt went to; undefined when there is none here, and the journals must do. */
export async function schedulerOf(run: FoundRun, context: CommandContext): Promise<Scheduler | undefined> {
  const wanted = run.attempts.at(-1)?.scheduler;
  if (wanted === undefined) return undefined;
  return schedulerNamed(wanted, context).catch(() => undefined);
}

/** Throws a `noScheduler` error where it is not. */
export async function schedulerNamed(
  wanted: Scheduler['kind'],
  { environment }: CommandContext,
): Promise<Scheduler> {
  const supervisorPath = packagePaths().supervisorBundle;
  return chooseScheduler({ wanted, environment, supervisorPath, patience });
}
