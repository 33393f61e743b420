import { BcopyError, exitCodes } from '../core/model/errors.ts';
import { type AttemptPhase, hasPhaseToFollow } from '../core/model/phase.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import { widenPool } from '../core/storage/posix/call-pool.ts';
import { continueRun } from './continue.ts';
import type { TaskOptions } from './task.ts';
import { readTaskContext, type TaskContext } from './task-context.ts';
import { TaskLog } from './task-log.ts';
import { warning } from './warning.ts';

type Task = (context: TaskContext, options: TaskOptions) => Promise<JournalEnd['reason']>;
/** True when nothing of the phase is left to do. */
type Finish = (context: TaskContext, options: TaskOptions) => Promise<boolean>;

/** Each is made ready where it is wanted. */
const tasks: Readonly<Record<AttemptPhase, () => Promise<Task>>> = {
  copy: async () => (await import('./task.ts')).runTask,
  verify: async () => (await import('./verify-task.ts')).runVerifyTask,
  delete: async () => (await import('./delete-task.ts')).runDeleteTask,
  hash: async () => (await import('./hash-task.ts')).runHashTask,
  remove: async () => (await import('./remove-task.ts')).runRemoveTask,
};
const finishes: Readonly<Record<AttemptPhase, () => Promise<Finish>>> = {
  copy: async () => (await import('./finish.ts')).runFinish,
  verify: async () => (await import('./verify-finish.ts')).runVerifyFinish,
  delete: async () => (await import('./delete-finish.ts')).runDeleteFinish,
  hash: async () => (await import('./hash-finish.ts')).runHashFinish,
  remove: async () => (await import('./remove-finish.ts')).runRemoveFinish,
};

/**
 * `task ATTEMPT ARRAY` or `finish ATTEMPT`, in the run directory; the rest comes from SLURM's environment. `program` is what
 * threads run. Says what went wrong, and returns the exit code.
 */
export function runJob(argv: readonly string[], program: URL): Promise<number> {
  return begin(argv, program).catch(explain);
}

async function begin(argv: readonly string[], program: URL): Promise<number> {
  const [kind, attempt, array] = argv;
  const startedAt = Date.now();
  const log = new TaskLog(writeTo(process.stdout), writeTo(process.stderr));
  const signal = stopSignal();
  if (kind === 'finish') widenPool();
  if (kind === 'finish') return finish(Number(attempt), { program, log, signal });
  const context = await readTaskContext(Number(attempt), Number(array), process.env);
  const run = await tasks[context.attempt.phase ?? 'copy']();
  const reason = await run(context, { program, log, signal });
  log.end(reason, startedAt);
  if (reason === 'differences') return exitCodes.differences;
  return reason === 'complete' ? exitCodes.done : exitCodes.incomplete;
}

async function finish(attempt: number, { program, log, signal }: TaskOptions): Promise<number> {
  const context = await readTaskContext(attempt, 'finish', process.env);
  log.line(`finish ${context.job}: attempt ${attempt} of run ${context.info.id}`);
  const run = await finishes[context.attempt.phase ?? 'copy']();
  const isWhole = await run(context, { log, program, signal }).catch(async (error: unknown) => {
    const { reportFinish } = await import('./finish.ts');
    // The account is told all the same; what broke is in finish's own log
    await reportFinish(context);
    throw error;
  });
  log.line(isWhole ? 'complete' : 'incomplete');
  const follows = isWhole ? hasPhaseToFollow(context.attempt) : true;
  if (follows && !signal.aborted) await continueRun(context, program);
  return isWhole ? exitCodes.done : exitCodes.incomplete;
}

function writeTo(stream: NodeJS.WriteStream): (line: string) => void {
  return (line) => void stream.write(`${line}\n`);
}

/**
 * Aborted by the warning, by SIGTERM (scancel, preemption, the time limit) and SIGINT: the task then takes no more
 * entries and records what it has.
 */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => controller.abort());
  return AbortSignal.any([warning, controller.signal]);
}

function explain(error: unknown): number {
  if (error instanceof BcopyError) {
    process.stderr.write(
      `bcopy: ${error.message}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`,
    );
    return error.exitCode;
  }
  process.stderr.write(`bcopy: unforeseen: ${(error as Error).stack ?? error}\n`);
  return exitCodes.bug;
}
