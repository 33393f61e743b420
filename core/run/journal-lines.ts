import * as z from 'zod/mini';
import { differenceKinds } from '../model/difference.ts';
import { entryKinds } from '../model/entry.ts';
import { phaseWords } from '../model/phase.ts';
import { wayWords } from '../model/ways.ts';
import { count } from './files.ts';
import { digestsSchema, manifestSchema, unhashedSchema } from './hash-lines.ts';
import { goneSchema, staysSchema, unlinkedSchema } from './unlink-lines.ts';

const tally = z.object({ entries: count, bytes: count });

const headerSchema = z.object({
  type: z.literal('journal'),
  format: count,
  run: z.string(),
  shard: z.union([count, z.literal('finish')]),
  attempt: count,
  restart: count,
  host: z.string(),
  /** What SLURM calls the node, where it says so. */
  node: z.optional(z.string()),
  pid: count,
  /** SLURM's own number of the task: `123_4`, or `123` for finish. */
  job: z.string(),
  /** What this worker does; missing: it copies. Another phase says nothing about what is copied. */
  phase: z.optional(z.enum(phaseWords)),
  /** In phases `verify` and `hash`: the attempt that has begun the comparison, or the manifest. What was done for an earlier one is forgotten. */
  since: z.optional(count),
  startedAt: z.string(),
});

const doneSchema = z.object({
  type: z.literal('done'),
  from: count,
  to: count,
  copied: tally,
  skipped: tally,
  linked: tally,
});

const entrySchema = z.object({
  type: z.literal('entry'),
  ordinal: count,
  outcome: z.enum(['failed', 'vanished']),
  path: z.string(),
  bytes: count,
  cause: z.string(),
  action: z.string(),
});

const partSchema = z.object({
  type: z.literal('part'),
  ordinal: count,
  from: count,
  to: count,
  /** Begins with the size of the source. */
  version: z.string().check(z.regex(/^\d+:/)),
  temporary: z.string(),
  same: z.boolean(),
  /** Of what was read, as the copy of a whole file has it in its file of digests. */
  digest: z.optional(z.string().check(z.regex(/^[\da-f]{32}$/))),
});

/** A divided file under its final name. */
const fileSchema = z.object({
  type: z.literal('file'),
  ordinal: count,
  outcome: z.enum(['copied', 'skipped']),
  bytes: count,
});

/** Something that people should know and that is no failure, counted by kind (`owner not kept`). */
const noteSchema = z.object({ type: z.literal('note'), note: z.string(), entries: count });

/** Files, and pieces of divided files, whose content this worker has copied in one way. */
const waySchema = z.object({ type: z.literal('way'), way: z.enum(wayWords), files: count });

/** A name of the destination that the source does not have, taken away with all below it; `to`: into that directory. */
const removedSchema = z.object({
  type: z.literal('removed'),
  path: z.string(),
  kind: z.enum(['directory', 'other']),
  entries: count,
  bytes: count,
  to: z.optional(z.string()),
});

/** One that stays though it was to go, or a directory that could not be looked at. */
const keptSchema = z.object({
  type: z.literal('kept'),
  path: z.string(),
  cause: z.string(),
  action: z.string(),
});

/** Nothing is left to compare in this range but what earlier workers have compared; so many entries were, and bytes of content. */
const verifiedSchema = z.object({
  type: z.literal('verified'),
  from: count,
  to: count,
  entries: count,
  bytes: count,
  /** What of these bytes was compared with what the copy had hashed; missing: nothing. */
  hashed: z.optional(count),
});

/** Bytes of a divided file that were compared. */
const pieceSchema = z.object({ type: z.literal('piece'), ordinal: count, from: count, to: count });

/** What an entry differs in: it counts as not done from then on. What the source does not have (`extra`) has no ordinal. */
const differsSchema = z.object({
  type: z.literal('differs'),
  ordinal: z.optional(count),
  entry: z.optional(z.enum(entryKinds)),
  /** As planned. */
  bytes: z.optional(count),
  path: z.string(),
  kind: z.enum(differenceKinds),
  detail: z.string(),
});

/** Files that have several names at the destination, each with its inode there: finish looks for two of the same. */
const namesSchema = z.object({ type: z.literal('names'), files: z.array(z.tuple([count, z.string()])) });

const endSchema = z.object({
  type: z.literal('end'),
  reason: z.enum(['complete', 'failures', 'differences', 'hopeless', 'cut off', 'superseded']),
  at: z.string(),
});

export const journalLineSchema = z.discriminatedUnion('type', [
  headerSchema,
  doneSchema,
  entrySchema,
  partSchema,
  fileSchema,
  noteSchema,
  waySchema,
  removedSchema,
  keptSchema,
  verifiedSchema,
  pieceSchema,
  differsSchema,
  namesSchema,
  digestsSchema,
  unhashedSchema,
  manifestSchema,
  unlinkedSchema,
  staysSchema,
  goneSchema,
  endSchema,
]);

export type JournalLine = z.infer<typeof journalLineSchema>;
export type JournalHeader = z.infer<typeof headerSchema>;
export type RemovedLine = z.infer<typeof removedSchema>;
export type KeptLine = z.infer<typeof keptSchema>;
export type DiffersLine = z.infer<typeof differsSchema>;
export type JournalEnd = z.infer<typeof endSchema>;
export type JournalRecord = Exclude<JournalLine, JournalHeader | JournalEnd>;
