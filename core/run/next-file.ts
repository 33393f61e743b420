import * as z from 'zod/mini';
import { count, exists, readJson, writeJsonOnce } from './files.ts';
import type { RunPaths } from './run-paths.ts';

const nextSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('again'), format: count, at: z.string(), attempt: count, job: z.string() }),
  z.object({ kind: z.literal('whole'), format: count, at: z.string() }),
  z.object({ kind: z.literal('ends'), format: count, at: z.string(), why: z.string() }),
]);

/** What follows an attempt that has not copied everything: another, already submitted, or nothing and why. */
export type Next =
  | { readonly kind: 'again'; readonly attempt: number; readonly job: string }
  /** Nothing had to be done any more. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'ends'; readonly why: string };

/** Written once, by the finish job of that attempt, after all else that it does. */
export async function writeNext(paths: RunPaths, attempt: number, next: Next): Promise<void> {
  await writeJsonOnce(paths.next(attempt), { at: new Date().toISOString(), ...next });
}

/** Undefined while nothing is decided. */
export async function readNext(paths: RunPaths, attempt: number): Promise<Next | undefined> {
  return (await exists(paths.next(attempt))) ? readJson(paths.next(attempt), nextSchema) : undefined;
}

/** From now on nothing follows this attempt by itself: the user has cancelled it. */
export async function writeCancelled(paths: RunPaths, attempt: number): Promise<void> {
  await writeJsonOnce(paths.cancelled(attempt), { at: new Date().toISOString() });
}

export async function isCancelled(paths: RunPaths, attempt: number): Promise<boolean> {
  return exists(paths.cancelled(attempt));
}
