import * as z from 'zod/mini';
import type { Plan } from '../model/plan.ts';
import type { TapePosition } from '../model/tape.ts';
import { count, damaged, readJson, writeJsonOnce } from './files.ts';
import type { RunPaths } from './run-paths.ts';

const positionSchema = z.object({ ordinal: count, offset: count, directory: count, byte: count });

const planSchema = z.object({
  format: count,
  totals: z.object({
    entries: count,
    bytes: count,
    cost: count,
    directories: count,
    files: count,
    links: count,
    symlinks: count,
    specials: count,
    unreadable: count,
    linkedOutside: z.optional(count),
    excluded: z.optional(count),
  }),
  partBytes: count,
  shards: z.array(
    z.object({ start: positionSchema, end: positionSchema, entries: count, bytes: count, cost: count }),
  ),
  isAlike: z.optional(z.literal(true)),
});

export async function writePlan(paths: RunPaths, plan: Plan): Promise<void> {
  await writeJsonOnce(paths.plan, plan);
}

export async function readPlan(paths: RunPaths): Promise<Plan> {
  const plan = await readJson(paths.plan, planSchema);
  const why = whyWrong(plan);
  if (why !== undefined) throw damaged(paths.plan, undefined, why);
  return plan;
}

/** A plan covers its tape from end to end, without a gap, and its sums close. */
function whyWrong({ totals, partBytes, shards }: Plan): string | undefined {
  if (partBytes === 0) return 'partBytes: no parts';
  let at = {
    ordinal: 0,
    offset: shards[0]?.start.offset ?? 0,
    directory: shards[0]?.start.directory ?? 0,
    byte: 0,
  };
  const sum = { bytes: 0, cost: 0 };
  for (const [number, { start, end, bytes, cost }] of shards.entries()) {
    if (!isSame(start, at)) return `shards.${number}: it does not begin where the one before it ends`;
    if (!isBefore(start, end)) return `shards.${number}: it ends before it begins`;
    if (start.directory > start.offset) return `shards.${number}: its directory comes after it`;
    at = end;
    sum.bytes += bytes;
    sum.cost += cost;
  }
  if (at.ordinal !== totals.entries || at.byte !== 0) return 'shards: they do not cover all entries';
  return sum.bytes === totals.bytes && sum.cost === totals.cost
    ? undefined
    : 'shards: their sums are not the totals';
}

function isSame(a: TapePosition, b: TapePosition): boolean {
  return a.ordinal === b.ordinal && a.offset === b.offset && a.directory === b.directory && a.byte === b.byte;
}

function isBefore(a: TapePosition, b: TapePosition): boolean {
  return a.ordinal < b.ordinal ? a.offset < b.offset : a.ordinal === b.ordinal && a.byte < b.byte;
}
