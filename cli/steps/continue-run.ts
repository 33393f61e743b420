import { isComplete } from '../../core/model/account.ts';
import { decideContinuation } from '../../core/model/continuation.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { type AttemptPhase, hasPhaseToFollow } from '../../core/model/phase.ts';
import type { DeleteWish } from '../../core/run/attempt-wishes.ts';
import { isCancelled, type Next, writeNext } from '../../core/run/next-file.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { shardsWithRemovalsLeft } from '../../core/run/removals.ts';
import { outcomesOf, readRunState } from '../../core/run/run-state.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { adoptJobs } from './adopt-jobs.ts';
import { type FoundRun, readRun } from './find-run.ts';
import { decideOnManifest, hashRecorded } from './hash-phase.ts';
import { decideRemoval } from './removal-phase.ts';
import { reportRun } from './report-run.ts';
import { explainRunError } from './run-errors.ts';
import { jobsOf } from './run-jobs.ts';
import { readRunStatus } from './run-status.ts';
import {
  again,
  asBefore,
  type Decision,
  ends,
  historyOf,
  leftShards,
  type Surroundings,
  submitNext,
} from './submit-next.ts';
import { decideOnTree } from './tree-removal-phase.ts';
import { decideOnDifferences, verifyRecorded } from './verify-phase.ts';

export type ContinueRequest = Surroundings & {
  /** The attempt whose finish has ended. */
  readonly attempt: number;
  readonly scheduler: () => Promise<Scheduler>;
};

/** What follows an attempt of each phase. */
const decisions: Readonly<Record<AttemptPhase, (decision: Decision) => Promise<Next>>> = {
  copy: afterCopy,
  verify: afterVerify,
  hash: afterHash,
  delete: removeRest,
  remove: decideOnTree,
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
  await writeDown(run, request, next).catch((error: unknown) => {
    throw explainRunError(error, 'retry');
  });
  return next;
}

async function writeDown(
  { paths }: FoundRun,
  { runId, attempt }: ContinueRequest,
  next: Next,
): Promise<void> {
  // Who waits for the end reads the report next
  if (next.kind !== 'again') await reportRun(await readRun(runId), next);
  await writeNext(paths, attempt, next);
  if (next.kind === 'again') await reportRun(await readRun(runId));
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
  return decisions[attempt.phase ?? 'copy']({ run, attempt, status, scheduler, request });
}

/** What is left is copied, and when all is, it is compared and hashed, and what the source does not have goes, if that is wanted. */
async function afterCopy(decision: Decision): Promise<Next> {
  const { status, attempt, run } = decision;
  const { verify } = attempt;
  if (isComplete(status.account) && hasPhaseToFollow(attempt)) {
    const compares = verify === undefined ? undefined : await verifyRecorded(decision, verify);
    return compares ?? afterProof(decision);
  }
  const state = await readRunState(run.paths, await readPlan(run.paths));
  const failed = [...outcomesOf(state)].filter(({ outcome }) => outcome === 'failed');
  const continuation = decideContinuation({
    ...(await historyOf(decision)),
    left: leftShards(decision, state, status.left),
    causes: [...new Set(failed.map(({ cause }) => cause))],
  });
  if (continuation.kind === 'ends') return continuation;
  return submitNext({ ...decision, continuation, shards: status.left });
}

async function afterVerify(decision: Decision): Promise<Next> {
  return (await decideOnDifferences(decision)) ?? afterProof(decision);
}

async function afterProof(decision: Decision): Promise<Next> {
  const { manifest } = decision.attempt;
  return manifest === undefined ? afterManifest(decision) : hashRecorded(decision, manifest);
}

async function afterHash(decision: Decision): Promise<Next> {
  return (await decideOnManifest(decision)) ?? afterManifest(decision);
}

async function afterManifest(decision: Decision): Promise<Next> {
  const { delete: removal } = decision.attempt;
  return removal === undefined ? { kind: 'whole' } : removeExtras(decision, removal);
}

/** All is copied: what the source does not have is counted and goes. */
async function removeExtras(decision: Decision, wish: DeleteWish): Promise<Next> {
  const { paths, info } = decision.run;
  const followsSymlinks = decision.attempt.fidelity?.symlinks === 'follow';
  const decided = await decideRemoval({ paths, info, followsSymlinks }, wish);
  if (decided.kind === 'nothing') return { kind: 'whole' };
  if (decided.kind === 'refused') return ends(`nothing is removed: ${decided.why}`);
  const more = { phase: 'delete', delete: decided.wish } as const;
  return submitNext({ ...decision, continuation: asBefore, shards: decided.shards, more });
}

/** The tasks that did not come to their end, if another try can help. */
async function removeRest(decision: Decision): Promise<Next> {
  const { run, attempt } = decision;
  const state = await readRunState(run.paths, await readPlan(run.paths));
  const shards = shardsWithRemovalsLeft(attempt, state);
  if (shards.length === 0) return ends('some of what was to be removed stays');
  const left = leftShards(decision, state, shards);
  const continuation = decideContinuation({ ...(await historyOf(decision)), left, causes: [] });
  if (continuation.kind === 'ends') return ends(`not all is removed: ${continuation.why}`);
  return submitNext({ ...decision, continuation, shards });
}

/** Where a job may not submit jobs, or the scheduler refuses, the user has to. */
function refusal(error: unknown): Next {
  if (!(error instanceof BcopyError)) throw error;
  const theirs = error.theirWords === undefined ? '' : `: ${error.theirWords.trim().replaceAll('\n', '; ')}`;
  return ends(`${error.message}${theirs}`);
}
