import * as z from 'zod/mini';
import type { Plan } from '../model/plan.ts';
import { count, readJson, writeJsonOnce } from './files.ts';
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
  }),
  partBytes: count,
  shards: z.array(
    z.object({ start: positionSchema, end: positionSchema, entries: count, bytes: count, cost: count }),
  ),
});

export async function writePlan(paths: RunPaths, plan: Plan): Promise<void> {
  await writeJsonOnce(paths.plan, plan);
}

export async function readPlan(paths: RunPaths): Promise<Plan> {
  return readJson(paths.plan, planSchema);
}
