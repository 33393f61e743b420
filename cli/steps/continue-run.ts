import { isComplete } from '../../core/model/account.ts';
import {
  type AttemptFacts,
  type Continuation,
  decideContinuation,
  type LeftShard,
} from '../../core/model/continuation.ts';
import { BcopyError } from '../../core/model/errors.ts';
import type { DeleteWish } from '../../core/run/attempt-file.ts';
import { hasRecorded } from '../../core/run/journal-reader.ts';
import { isCancelled, type Next, writeNext } from '../../core/run/next-file.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { shardsWithRemovalsLeft } from '../../core/run/removals.ts';
import { outcomesOf, type RunState, readRunState } from '../../core/run/run-state.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Environment } from '../schedulers/slurm/environment.ts';
import { adoptJobs } from './adopt-jobs.ts';
import { type FoundAttempt, type FoundRun, indexJob, readRun } from './find-run.ts';
import { decideRemoval } from './removal-phase.ts';
import { reportRun } from './report-run.ts';
import { headOf, jobsOf, type RunStatus, readRunStatus } from './run-status.ts';
import { prepareAttempt, submitAttempt, type WantedAttempt } from './submit-attempt.ts';
import { memoryMBOf } from './task-memory.ts';

export type ContinueRequest = {
  readonly runId: string;
  /** The attempt whose finish has ended. */
  readonly attempt: number;
  readonly scheduler: () => Promise<Scheduler>;
  /** Of the finish job. */
  readonly environment: Environment;
  readonly version: string;
};

/**
 * Submits the next attempt of a run if it can help, and writes down what follows; JOBID.log and .err tell it too. A
 * finish that was requeued may do it again: what it has submitted stands. Undefined when it is not its affair any more,
 * since the user has given --retry.
 */
export async function continueRun(request: ContinueRequest): Promise<Next | undefined> {
  const run = await readRun(request.runId);
  const newest = run.attempts.at(-1);
  if (newest === undefined || (newest.attempt !== request.attempt && newest.continues !== request.attempt))
    return undefined;
  const next = await decide(run, request).catch(refusal);
  await writeNext(run.paths, request.attempt, next);
  await reportRun(await readRun(request.runId));
  return next;
}

async function decide(found: FoundRun, request: ContinueRequest): Promise<Next> {
  const scheduler = await request.scheduler();
  const run = await adoptJobs(found, scheduler);
  const newest = run.attempts.at(-1)!;
  if (newest.attempt !== request.attempt) {
    const { announced, finish } = newest.jobs;
    if (announced !== undefined && finish !== undefined) return again(newest.attempt, announced);
    await scheduler.cancel(jobsOf(run, newest));
  }
  const attempt = run.attempts.find((candidate) => candidate.attempt === request.attempt)!;
  if (await isCancelled(run.paths, attempt.attempt)) return ends('it was cancelled');
  const status = await readRunStatus(run, scheduler);
  const parts = { run, attempt, status, scheduler, request };
  if (isComplete(status.account) && attempt.delete !== undefined) return removeNext(parts, attempt.delete);
  const continuation = await decideFor(status, attempt, request.environment);
  if (continuation.kind === 'ends') return continuation;
  return submitNext({ ...parts, continuation, shards: status.left });
}

/** All is copied: what the source does not have is counted and goes, or what is left of it. */
async function removeNext(
  parts: Omit<Submission, 'continuation' | 'shards'>,
  wish: DeleteWish,
): Promise<Next> {
  const { run, attempt } = parts;
  if (attempt.phase === 'delete') return removeRest(parts);
  const followsSymlinks = attempt.fidelity?.symlinks === 'follow';
  const decision = await decideRemoval({ paths: run.paths, info: run.info, followsSymlinks }, wish);
  if (decision.kind === 'nothing') return { kind: 'whole' };
  if (decision.kind === 'refused') return ends(`nothing is removed: ${decision.why}`);
  const more = { phase: 'delete', delete: decision.wish } as const;
  const continuation = { kind: 'again', memoryMB: undefined, excludeNodes: [] } as const;
  return submitNext({ ...parts, continuation, shards: decision.shards, more });
}

/** The tasks that did not come to their end, if another try can help. */
async function removeRest(parts: Omit<Submission, 'continuation' | 'shards'>): Promise<Next> {
  const { run, attempt, status, request } = parts;
  const state = await readRunState(run.paths, await readPlan(run.paths));
  const shards = shardsWithRemovalsLeft(attempt, state);
  if (shards.length === 0) return ends('some of what was to be removed stays');
  const continuation = decideContinuation({
    ...(await historyOf(run, attempt, request.environment)),
    left: shards.map((shard) => ({ ...status.shards[shard]!, end: endOf(state, attempt, shard) })),
    causes: [],
  });
  if (continuation.kind === 'ends') return ends(`not all is removed: ${continuation.why}`);
  return submitNext({ ...parts, continuation, shards });
}

/** What the decision follows from: the journals, and what the scheduler says about tasks without a last word. */
async function decideFor(
  { run, shards, left }: RunStatus,
  attempt: FoundAttempt,
  environment: Environment,
): Promise<Continuation> {
  const state = await readRunState(run.paths, await readPlan(run.paths));
  const failed = [...outcomesOf(state)].filter(({ outcome }) => outcome === 'failed');
  return decideContinuation({
    ...(await historyOf(run, attempt, environment)),
    left: left.map((shard) => ({ ...shards[shard]!, end: endOf(state, attempt, shard) })),
    causes: [...new Set(failed.map(({ cause }) => cause))],
  });
}

function endOf(state: RunState, attempt: FoundAttempt, shard: number): LeftShard['end'] {
  const last = state.shards[shard]!.journals.findLast(({ name }) => name.attempt === attempt.attempt);
  return last === undefined ? 'not started' : (last.reason ?? 'killed');
}

async function historyOf(
  run: FoundRun,
  attempt: FoundAttempt,
  environment: Environment,
): Promise<Pick<AttemptFacts, 'attempts' | 'attemptsAtMost' | 'hasProgressed' | 'memoryMB'>> {
  return {
    attempts: attempt.attempt - headOf(run, attempt).attempt + 1,
    attemptsAtMost: attempt.maxAttempts ?? 1,
    hasProgressed: await hasRecorded(run.paths, attempt.attempt),
    memoryMB: memoryMBOf(attempt, environment),
  };
}

type Submission = {
  readonly run: FoundRun;
  readonly attempt: FoundAttempt;
  readonly status: RunStatus;
  readonly continuation: Continuation & { kind: 'again' };
  readonly scheduler: Scheduler;
  readonly request: ContinueRequest;
  readonly shards: readonly number[];
  /** What of the next attempt is another than before. */
  readonly more?: Pick<WantedAttempt, 'phase' | 'delete'>;
};

async function submitNext(submission: Submission): Promise<Next> {
  const { run, attempt, shards, scheduler, request } = submission;
  const wanted = wantedAfter(submission);
  const { paths, info } = run;
  const asked = { paths, runId: info.id, shards, attempt: wanted, version: request.version };
  const prepared = await prepareAttempt(asked, scheduler, await scheduler.limits());
  const job = await submitAttempt(paths, prepared, scheduler);
  if (await isCancelled(paths, attempt.attempt)) {
    const fresh = (await readRun(info.id)).attempts.at(-1)!;
    await scheduler.cancel(jobsOf(run, fresh));
    return ends('it was cancelled');
  }
  await indexJob(job.id, info.id, request.environment);
  return again(wanted.attempt, job.id);
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
    attempt: run.attempts.at(-1)!.attempt + 1,
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

function again(attempt: number, job: string): Next {
  return { kind: 'again', attempt, job };
}

function ends(why: string): Next {
  return { kind: 'ends', why };
}

/** Where a job may not submit jobs, or the scheduler refuses, the user has to. */
function refusal(error: unknown): Next {
  if (!(error instanceof BcopyError)) throw error;
  const theirs = error.theirWords === undefined ? '' : `: ${error.theirWords.trim().replaceAll('\n', '; ')}`;
  return ends(`${error.message}${theirs}`);
}
