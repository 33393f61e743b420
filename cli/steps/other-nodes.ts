import { BcopyError } from '../../core/model/errors.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { type RunState, readRunState } from '../../core/run/run-state.ts';
import type { JobRef, Scheduler } from '../schedulers/scheduler.ts';
import { prepareAttempt, type ShardGroup, type SubmitRequest, submitAttempt } from './submit-attempt.ts';

/**
 * Two groups of shards: what some of the nodes have copied is to be compared on the others. Where a node reads what it has
 * written itself, it may be answered from its own memory. Undefined where only one node has copied, or nobody knows which.
 */
export function groupsByNode(state: RunState, shards: readonly number[]): ShardGroup[] | undefined {
  const byNode = new Map<string, number[]>();
  const anywhere: number[] = [];
  for (const shard of shards) {
    const node = state.shards[shard]!.journals.findLast(({ phase }) => phase === 'copy')?.node;
    if (node === undefined) anywhere.push(shard);
    else byNode.set(node, [...(byNode.get(node) ?? []), shard]);
  }
  if (byNode.size < 2) return undefined;
  const halves = [newGroup(), newGroup()] as const;
  // The largest first, each to the smaller half
  for (const [node, own] of [...byNode].sort(([, one], [, other]) => other.length - one.length))
    add(smallerOf(halves), own, node);
  add(smallerOf(halves), anywhere);
  return halves.map(({ shards: all, notOn }) => ({ shards: all.toSorted((a, b) => a - b), notOn }));
}

type Group = { readonly shards: number[]; readonly notOn: string[] };

function newGroup(): Group {
  return { shards: [], notOn: [] };
}

function smallerOf([one, other]: readonly [Group, Group]): Group {
  return other.shards.length < one.shards.length ? other : one;
}

function add({ shards, notOn }: Group, own: readonly number[], node?: string): void {
  shards.push(...own);
  if (node !== undefined) notOn.push(node);
}

/**
 * Prepares and submits an attempt; one that compares to SLURM so that its tasks run on other nodes than those that copied,
 * where there are such and SLURM lets them.
 */
export async function submitOnOtherNodes(asked: SubmitRequest, scheduler: Scheduler): Promise<JobRef> {
  const { paths, attempt, shards } = asked;
  const limits = await scheduler.limits();
  const isApart = attempt.phase === 'verify' && scheduler.kind === 'slurm';
  const apart = isApart ? groupsByNode(await readRunState(paths, await readPlan(paths)), shards) : undefined;
  if (apart !== undefined) {
    const prepared = await prepareAttempt({ ...asked, apart }, scheduler, limits);
    const job = await submitAttempt(paths, prepared, scheduler).catch(unlessRefused);
    if (job !== undefined) return job;
  }
  return submitAttempt(paths, await prepareAttempt(asked, scheduler, limits), scheduler);
}

/** The nodes that are left may not be for this user, or not enough. */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof BcopyError) || error.kind !== 'refused') throw error;
  return undefined;
}
