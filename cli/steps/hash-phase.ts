import { decideContinuation } from '../../core/model/continuation.ts';
import { beginningsOf, type Shard } from '../../core/model/plan.ts';
import type { ManifestWish } from '../../core/run/attempt-wishes.ts';
import type { Next } from '../../core/run/next-file.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { readRunState } from '../../core/run/run-state.ts';
import { readTreeWork } from '../../core/run/tree-work.ts';
import {
  asBefore,
  type Decision,
  ends,
  historyOf,
  leftShards,
  numberAfter,
  submitNext,
} from './submit-next.ts';

/** Has what a run has copied hashed, for a manifest. */
export async function hashRecorded(decision: Decision, wish: ManifestWish): Promise<Next> {
  const { shards } = await readPlan(decision.run.paths);
  const manifest = { ...wish, since: numberAfter(decision.run) };
  const more = { phase: 'hash', manifest } as const;
  // A shard in the middle of a divided file has nothing to hash
  const wanted = [...shards.keys()].filter((number) => hasBeginning(shards[number]!));
  return submitNext({ ...decision, continuation: asBefore, shards: wanted, more });
}

function hasBeginning(shard: Shard): boolean {
  const { from, to } = beginningsOf(shard);
  return from < to;
}

/** After tasks that hash: those that left something go on, if another try can help. Undefined when the manifest is made. */
export async function decideOnManifest(decision: Decision): Promise<Next | undefined> {
  const { run, attempt } = decision;
  const plan = await readPlan(run.paths);
  const work = await readTreeWork(run.paths, plan, attempt);
  if (work?.kind !== 'hash' || work.isWhole) return undefined;
  const { made, shards } = work.hashed;
  if (work.left.length === 0) return ends(made?.why ?? 'finish did not come to its end');
  const causes = shards.flatMap(({ unhashed }) => Array.from(unhashed.values(), ({ cause }) => cause));
  const continuation = decideContinuation({
    ...(await historyOf(decision)),
    left: leftShards(decision, await readRunState(run.paths, plan), work.left),
    causes: [...new Set(causes)],
  });
  if (continuation.kind === 'ends') return ends(`no manifest is made: ${continuation.why}`);
  return submitNext({ ...decision, continuation, shards: work.left });
}
