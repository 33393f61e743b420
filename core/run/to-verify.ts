import { type Plan, partsOf, type Shard, wholeEntriesOf } from '../model/plan.ts';
import type { Attempt } from './attempt-file.ts';
import type { RunInfo } from './run-info.ts';
import type { RunState } from './run-state.ts';
import { Verification } from './verification.ts';

/** What of a run is still to be compared. */
export type ToCompare = {
  readonly plan: Plan;
  readonly state: RunState;
  /** The attempt that has begun the comparison; of an earlier one nothing counts. Undefined: it is still to begin. */
  readonly since: number | undefined;
  /** True: all that is on the tape is compared, whether it is recorded or not. */
  readonly comparesAll: boolean;
};

/** The shards in which something is left to compare, ascending. */
export function shardsToVerify({ plan, state, since, comparesAll }: ToCompare): number[] {
  const isBegun = since !== undefined && since === state.verification.since;
  return [...plan.shards.keys()].filter((number) => {
    const shard = plan.shards[number]!;
    if (isBegun && state.verification.hasBegun(number) && !state.verification.hasEnded(number)) return true;
    return hasUnverified({ state, shard, number, isBegun, comparesAll });
  });
}

type ShardToCompare = {
  readonly state: RunState;
  readonly shard: Shard;
  readonly number: number;
  readonly isBegun: boolean;
  readonly comparesAll: boolean;
};

function hasUnverified({ state, shard, number, isBegun, comparesAll }: ShardToCompare): boolean {
  const { verified, pieces } = isBegun ? state.verification : new Verification();
  const { from, to } = wholeEntriesOf(shard);
  const { done } = state.shards[number]!;
  const { open } = state.verification;
  const isLeft = verified
    .missingIn(from, to)
    .some(
      (gap) =>
        comparesAll ||
        gap.to - gap.from > lengthOf(done.missingIn(gap.from, gap.to)) ||
        state.verification.openIn(gap.from, gap.to).length > 0,
    );
  if (isLeft) return true;
  return partsOf(shard).some(({ ordinal, from: byte, to: end }) => {
    if (!comparesAll && !state.finish.files.has(ordinal) && !open.has(ordinal)) return false;
    const bytes = state.finish.files.get(ordinal)?.bytes;
    return pieces.get(ordinal)?.covers(byte, end ?? bytes ?? byte + 1) !== true;
  });
}

function lengthOf(ranges: readonly { from: number; to: number }[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** The shards in which an attempt that compares has left something to compare. */
export function unverifiedShards(
  { verify, attempt }: Pick<Attempt, 'verify' | 'attempt'>,
  { purpose }: Pick<RunInfo, 'purpose'>,
  plan: Plan,
  state: RunState,
): number[] {
  const since = verify?.since ?? attempt;
  return shardsToVerify({ plan, state, since, comparesAll: purpose === 'verify' });
}

/** True when an attempt that compares has come to its end, and nothing differs. */
export function isVerificationWhole(...compared: Parameters<typeof unverifiedShards>): boolean {
  const [, , , { verification }] = compared;
  const { open, extras } = verification;
  return open.size === 0 && extras.length === 0 && unverifiedShards(...compared).length === 0;
}
