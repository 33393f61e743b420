import {
  choosePartBytes,
  chooseShardCount,
  type Plan,
  shardsBetween,
  type Totals,
} from '../../core/model/plan.ts';
import { cutNear, type TapeMark } from '../../core/model/tape.ts';
import { writePlan } from '../../core/run/plan-file.ts';
import type { RunPaths } from '../../core/run/run-paths.ts';
import { TapeReader } from '../../core/run/tape-reader.ts';

export type PlanRequest = {
  readonly workers: number;
  /** The number of shards the user wants; by default it follows from the work. */
  readonly shards: number | undefined;
  readonly shardsAtMost: number;
  /** How long the scan took, all its threads together. */
  readonly scanSeconds: number;
  /** False: each file is the work of one task. Left out: a large one may be that of several. */
  readonly dividesFiles?: boolean;
  /** See Plan. */
  readonly isAlike?: boolean;
};

/** A file of two parts' size would be divided. */
const neverReached = 2 ** 52;

/** Cuts the tape into shards of equal cost and writes the plan down. */
export async function makePlan(paths: RunPaths, totals: Totals, request: PlanRequest): Promise<Plan> {
  const { workers, shardsAtMost, scanSeconds } = request;
  const wanted = request.shards ?? chooseShardCount(totals.cost, workers, shardsAtMost, scanSeconds);
  const partBytes = request.dividesFiles === false ? neverReached : choosePartBytes(totals.cost / wanted);
  const tape = new TapeReader(paths);
  try {
    const shards = shardsBetween(cutTape(tape, totals, wanted, partBytes));
    const plan: Plan = { totals, partBytes, shards, ...(request.isAlike && { isAlike: true }) };
    await writePlan(paths, plan);
    return plan;
  } finally {
    tape.close();
  }
}

/** The cuts, from the tape's beginning to its end: each found in one block of the tape by way of the index. */
function cutTape(tape: TapeReader, totals: Totals, shards: number, partBytes: number): TapeMark[] {
  const first = tape.marks[0]!;
  const cuts = [first];
  let next = 0;
  for (let i = 1; i < shards; i++) {
    const target = (totals.cost * i) / shards;
    while (next + 1 < tape.marks.length && tape.marks[next + 1]!.cost <= target) next++;
    cuts.push(cutNear(tape.marks[next]!, tape.entries(tape.marks[next]!), target, partBytes));
  }
  return [...cuts, endOf(tape, totals)];
}

function endOf(tape: TapeReader, { entries, bytes, cost }: Totals): TapeMark {
  const last = tape.at(entries - 1);
  return { ordinal: entries, offset: last.next, directory: last.directory, byte: 0, cost, bytes };
}
