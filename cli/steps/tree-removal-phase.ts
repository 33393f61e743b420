import { decideContinuation } from '../../core/model/continuation.ts';
import type { Next } from '../../core/run/next-file.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { readRunState } from '../../core/run/run-state.ts';
import { readTreeWork } from '../../core/run/tree-work.ts';
import { type Decision, ends, historyOf, leftShards, submitNext } from './submit-next.ts';

/** After tasks that remove a tree: those that did not come to their end go on. */
export async function decideOnTree(decision: Decision): Promise<Next> {
  const { run, attempt } = decision;
  const plan = await readPlan(run.paths);
  const work = await readTreeWork(run.paths, plan, attempt);
  if (work?.kind !== 'remove' || work.isWhole) return { kind: 'whole' };
  if (work.unlinked.gone !== undefined) return ends('some of what was to be removed stays');
  const left = leftShards(decision, await readRunState(run.paths, plan), work.left);
  const continuation = decideContinuation({ ...(await historyOf(decision)), left, causes: [] });
  if (continuation.kind === 'ends') return ends(`not all is removed: ${continuation.why}`);
  return submitNext({ ...decision, continuation, shards: work.left });
}
