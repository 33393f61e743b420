import type { AttemptFacts, Continuation, LeftShard } from '../../core/model/continuation.ts';
import { hasRecorded } from '../../core/run/journal-reader.ts';
import { isCancelled, type Next } from '../../core/run/next-file.ts';
import type { RunState } from '../../core/run/run-state.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Environment } from '../schedulers/slurm/environment.ts';
import { type FoundAttempt, type FoundRun, indexJob, readRun } from './find-run.ts';
import { submitOnOtherNodes } from './other-nodes.ts';
import { headOf, jobsOf } from './run-jobs.ts';
import type { RunStatus } from './run-status.ts';
import type { WantedAttempt } from './submit-attempt.ts';
import { memoryMBOf } from './task-memory.ts';

/** Where a decision is taken. */
export type Surroundings = {
  readonly runId: string;
  /** Of the finish job. */
  readonly environment: Environment;
  readonly version: string;
};

/** What follows an attempt is decided from this. */
export type Decision = {
  readonly run: FoundRun;
  readonly attempt: FoundAttempt;
  readonly status: RunStatus;
  readonly scheduler: Scheduler;
  readonly request: Surroundings;
};

/** What another attempt is made from. */
export type Submission = Decision & {
  readonly continuation: Continuation & { kind: 'again' };
  readonly shards: readonly number[];
  /** What of the next attempt is another than before. */
  readonly more?: Pick<WantedAttempt, 'phase' | 'delete' | 'verify' | 'manifest'>;
};

/** With what the last attempt had. */
export const asBefore = { kind: 'again', memoryMB: undefined, excludeNodes: [] } as const;

/** Submits the next attempt; when somebody cancels meanwhile, it is ended. */
export async function submitNext(submission: Submission): Promise<Next> {
  const { run, attempt, shards, scheduler, request } = submission;
  const wanted = wantedAfter(submission);
  const { paths, info } = run;
  const asked = { paths, runId: info.id, shards, attempt: wanted, version: request.version };
  const job = await submitOnOtherNodes(asked, scheduler);
  if (await isCancelled(paths, attempt.attempt)) {
    const fresh = (await readRun(info.id)).attempts.at(-1)!;
    await scheduler.cancel(jobsOf(run, fresh));
    return ends('it was cancelled');
  }
  await indexJob(job.id, info.id, request.environment);
  return again(wanted.attempt, job.id);
}

export function numberAfter(run: FoundRun): number {
  return run.attempts.at(-1)!.attempt + 1;
}

/** The same again, but for what the last one lacked. */
function wantedAfter({ run, attempt, continuation, more }: Submission): WantedAttempt {
  const { createdAt: _, scheduler: __, arrays: ___, jobs: ____, submission, ...same } = attempt;
  const { memoryMB, excludeNodes } = continuation;
  const { resources } = submission!;
  const without = (resources.extraArguments ?? []).filter((word) => !word.startsWith('--mem-per-'));
  return {
    ...same,
    ...more,
    attempt: numberAfter(run),
    continues: attempt.attempt,
    submission: {
      ...submission!,
      resources: {
        ...resources,
        ...(memoryMB === undefined ? {} : { mem: `${memoryMB}M`, extraArguments: without }),
        excludeNodes: [...new Set([...(resources.excludeNodes ?? []), ...excludeNodes])],
      },
    },
  };
}

/** How many attempts there were, and whether the last has done anything. */
export async function historyOf({
  run,
  attempt,
  request,
}: Decision): Promise<Pick<AttemptFacts, 'attempts' | 'attemptsAtMost' | 'hasProgressed' | 'memoryMB'>> {
  return {
    attempts: attempt.attempt - headOf(run, attempt).attempt + 1,
    attemptsAtMost: attempt.maxAttempts ?? 1,
    hasProgressed: await hasRecorded(run.paths, attempt.attempt),
    memoryMB: memoryMBOf(attempt, request.environment),
  };
}

/** Shards with work left, and how their tasks have ended. */
export function leftShards(
  { status, attempt }: Decision,
  state: RunState,
  shards: readonly number[],
): LeftShard[] {
  return shards.map((shard) => ({ ...status.shards[shard]!, end: endOf(state, attempt, shard) }));
}

function endOf(state: RunState, attempt: FoundAttempt, shard: number): LeftShard['end'] {
  const last = state.shards[shard]!.journals.findLast(({ name }) => name.attempt === attempt.attempt);
  return last === undefined ? 'not started' : (last.reason ?? 'killed');
}

export function again(attempt: number, job: string): Next {
  return { kind: 'again', attempt, job };
}

export function ends(why: string): Next {
  return { kind: 'ends', why };
}
