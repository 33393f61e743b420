// Before all else, which takes its time
import './warning.ts';
import { setFlagsFromString } from 'node:v8';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { BcopyError, exitCodes } from '../core/model/errors.ts';
import { type AttemptPhase, hasPhaseToFollow } from '../core/model/phase.ts';
import type { JournalEnd } from '../core/run/journal-lines.ts';
import { widenPool } from '../core/storage/posix/call-pool.ts';
import { answerComparisons } from '../core/storage/posix/compare-thread.ts';
import { prepareDigests } from '../core/storage/posix/content-digest.ts';
import type { PosixStorageRequest } from '../core/storage/posix/posix-storage.ts';
import { answerUnlinks, type Unlinking } from '../core/storage/posix/unlinker.ts';
import { continueRun } from './continue.ts';
import { runDeleteFinish } from './delete-finish.ts';
import { runDeleteTask } from './delete-task.ts';
import { answerRequests } from './engine.ts';
import { reportFinish, runFinish } from './finish.ts';
import { runHashFinish } from './hash-finish.ts';
import { runHashTask } from './hash-task.ts';
import { runRemoveFinish } from './remove-finish.ts';
import { runRemoveTask } from './remove-task.ts';
import { runTask, type TaskOptions } from './task.ts';
import { readTaskContext, type TaskContext } from './task-context.ts';
import { TaskLog } from './task-log.ts';
import { runVerifyFinish } from './verify-finish.ts';
import { runVerifyTask } from './verify-task.ts';
import { warning } from './warning.ts';

type Phase = {
  task(context: TaskContext, options: TaskOptions): Promise<JournalEnd['reason']>;
  /** True when nothing of the phase is left to do. */
  finish(context: TaskContext, options: TaskOptions): Promise<boolean>;
};

const phases: Readonly<Record<AttemptPhase, Phase>> = {
  copy: { task: runTask, finish: runFinish },
  verify: { task: runVerifyTask, finish: runVerifyFinish },
  delete: { task: runDeleteTask, finish: runDeleteFinish },
  hash: { task: runHashTask, finish: runHashFinish },
  remove: { task: runRemoveTask, finish: runRemoveFinish },
};

function phaseOf({ attempt: { phase = 'copy' } }: TaskContext): Phase {
  return phases[phase];
}

/** `task ATTEMPT ARRAY` or `finish ATTEMPT`, in the run directory; the rest comes from SLURM's environment. */
async function main(argv: readonly string[]): Promise<number> {
  const [kind, attempt, array] = argv;
  const startedAt = Date.now();
  const log = new TaskLog(writeTo(process.stdout), writeTo(process.stderr));
  const signal = stopSignal();
  if (kind === 'finish') widenPool();
  if (kind === 'finish') return finish(Number(attempt), log, signal);
  const context = await readTaskContext(Number(attempt), Number(array), process.env);
  const options = { program: new URL(import.meta.url), log, signal };
  const reason = await phaseOf(context).task(context, options);
  log.end(reason, startedAt);
  if (reason === 'differences') return exitCodes.differences;
  return reason === 'complete' ? exitCodes.done : exitCodes.incomplete;
}

async function finish(attempt: number, log: TaskLog, signal: AbortSignal): Promise<number> {
  const context = await readTaskContext(attempt, 'finish', process.env);
  log.line(`finish ${context.job}: attempt ${attempt} of run ${context.info.id}`);
  const program = new URL(import.meta.url);
  const isWhole = await phaseOf(context)
    .finish(context, { log, program, signal })
    .catch(async (error: unknown) => {
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

function runMain(): void {
  // For an end that nobody has foreseen
  process.exitCode = exitCodes.bug;
  void main(process.argv.slice(2))
    .catch(explain)
    .then((code) => {
      process.exitCode = code;
    });
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

async function answerCopies(request: PosixStorageRequest): Promise<void> {
  if (request.hashes === true) await prepareDigests();
  answerRequests(parentPort!, request);
}

// Groups and answers are garbage soon: the space for new objects, of which V8 would make more and more, stays as it is
if (isMainThread) setFlagsFromString('--semi-space-growth-factor=1');
if (isMainThread) runMain();
else if ('comparison' in workerData) void answerComparisons(parentPort!, workerData.comparison);
else if ('unlinking' in workerData) answerUnlinks(parentPort!, workerData.unlinking as Unlinking);
else void answerCopies(workerData as PosixStorageRequest);
