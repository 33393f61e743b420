import type { Algorithm } from '../core/model/algorithm.ts';
import { BcopyError } from '../core/model/errors.ts';
import { formatManifestLine, isReadByTool } from '../core/model/manifest-line.ts';
import type { ManifestLine } from '../core/run/hash-lines.ts';
import { type HashedState, readHashed, shardsToHash } from '../core/run/hashed-state.ts';
import { JournalWriter } from '../core/run/journal-writer.ts';
import { mergeDigests } from '../core/run/merge-digests.ts';
import { NewOutput } from '../core/storage/posix/new-output.ts';
import { reportFinish } from './finish.ts';
import { sinceOf } from './hash-task.ts';
import type { TaskOptions } from './task.ts';
import type { TaskContext } from './task-context.ts';

/**
 * What follows tasks that hash: the manifest, whole or not at all, when every file has its digest. True when it is made. May be
 * repeated.
 */
export async function runHashFinish(context: TaskContext, { log }: TaskOptions): Promise<boolean> {
  const { paths, info, plan, journal: name, job } = context;
  const since = sinceOf(context);
  const journal = await JournalWriter.create(paths, info.id, name, job, 'hash', since);
  try {
    const hashed = await readHashed(paths, plan, since);
    const isHashed = shardsToHash(plan, hashed).length === 0;
    const made = isHashed ? makeManifest(context, hashed) : undefined;
    if (made !== undefined) await journal.append([made]);
    if (made?.why !== undefined) log.line(made.why);
    const isMade = made !== undefined && made.why === undefined;
    // Who waits for the end line reads the report next
    await reportFinish(context);
    await journal.end(isMade ? 'complete' : 'failures');
    return isMade;
  } finally {
    await journal.close();
  }
}

/** A file that cannot be written is told in the line that is returned. */
function makeManifest({ paths, attempt, journal }: TaskContext, { shards }: HashedState): ManifestLine {
  const wish = attempt.manifest!;
  const { algorithm } = wish;
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const line = { type: 'manifest', algorithm, bytes } as const;
  const pieces = shards.flatMap((shard) => shard.pieces.map((name) => `${paths.digests}/${name}`));
  const scratch = `${paths.digests}/merged-${journal.host}-${journal.pid}`;
  try {
    const output = new NewOutput(wish.file ?? paths.manifest, wish.mode);
    return { ...line, ...fill(output, algorithm, mergeDigests(pieces, algorithm, scratch)) };
  } catch (error) {
    if (!(error instanceof BcopyError) || error.kind !== 'destinationUnwritable') throw error;
    return { ...line, files: 0, notForTool: 0, why: error.message };
  }
}

function fill(
  output: NewOutput,
  algorithm: Algorithm,
  digests: ReturnType<typeof mergeDigests>,
): Pick<ManifestLine, 'files' | 'notForTool'> {
  const made = { files: 0, notForTool: 0 };
  try {
    for (const { path, digest } of digests) {
      output.write(`${formatManifestLine(algorithm, digest, path)}\n`);
      made.files++;
      if (!isReadByTool(algorithm, path)) made.notForTool++;
    }
    output.finish();
    return made;
  } catch (error) {
    output.abandon();
    throw error;
  }
}
