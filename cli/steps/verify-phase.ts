import { decideContinuation } from '../../core/model/continuation.ts';
import { formatCounted } from '../../core/model/units.ts';
import type { VerifyWish } from '../../core/run/attempt-wishes.ts';
import type { Next } from '../../core/run/next-file.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { type RunState, readRunState } from '../../core/run/run-state.ts';
import { shardsToVerify } from '../../core/run/to-verify.ts';
import type { FoundAttempt, FoundRun } from './find-run.ts';
import {
  asBefore,
  type Decision,
  ends,
  historyOf,
  leftShards,
  numberAfter,
  submitNext,
} from './submit-next.ts';

/**
 * Has what a run has copied compared with the source, but what was compared since the comparison was begun. Undefined when
 * nothing is left to compare.
 */
export async function verifyRecorded(decision: Decision, wish: VerifyWish): Promise<Next | undefined> {
  const { run } = decision;
  const { shards } = await stateOf(run, wish.since);
  if (shards.length === 0) return undefined;
  const verify = { ...wish, since: wish.since ?? numberAfter(run) };
  return submitNext({ ...decision, continuation: asBefore, shards, more: { phase: 'verify', verify } });
}

/**
 * After tasks that compare: those that did not come to their end go on, and what differs is copied again, if that is
 * wanted, and was not done before. Undefined when nothing differs.
 */
export async function decideOnDifferences(decision: Decision): Promise<Next | undefined> {
  const { run, attempt, status } = decision;
  const { state, shards } = await stateOf(run, attempt.verify?.since);
  if (shards.length > 0) return goOn(decision, state, shards);
  const { count, open } = state.verification;
  if (count === 0 && open.size === 0) return undefined;
  const found = count > 0 ? `${formatCounted(count, 'difference')} found` : 'not all could be read';
  if (attempt.verify?.mends !== true) return ends(found);
  if (hasMended(run, attempt)) return ends(`${found}, though what differed was copied again`);
  const { attempts, attemptsAtMost } = await historyOf(decision);
  if (attempts >= attemptsAtMost)
    return ends(`${found}, and no attempt is left to copy it again (--max-attempts)`);
  const more = { phase: 'copy' } as const;
  return submitNext({ ...decision, continuation: asBefore, shards: status.left, more });
}

async function goOn(decision: Decision, state: RunState, shards: readonly number[]): Promise<Next> {
  const left = leftShards(decision, state, shards);
  const continuation = decideContinuation({ ...(await historyOf(decision)), left, causes: [] });
  if (continuation.kind === 'ends') return ends(`not all is compared: ${continuation.why}`);
  return submitNext({ ...decision, continuation, shards });
}

async function stateOf(
  { paths, info }: FoundRun,
  since: number | undefined,
): Promise<{ state: RunState; shards: number[] }> {
  const plan = await readPlan(paths);
  const state = await readRunState(paths, plan);
  const comparesAll = info.purpose === 'verify';
  return { state, shards: shardsToVerify({ plan, state, since, comparesAll }) };
}

/** True when something was copied since the comparison was begun. */
function hasMended({ attempts }: FoundRun, { verify, attempt }: FoundAttempt): boolean {
  return attempts.some(
    (one) =>
      one.attempt > (verify?.since ?? attempt) && one.attempt < attempt && (one.phase ?? 'copy') === 'copy',
  );
}
