import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName } from '../../core/model/names.ts';
import type { ManifestWish } from '../../core/run/attempt-wishes.ts';
import type { ManifestLine } from '../../core/run/hash-lines.ts';
import { readHashed } from '../../core/run/hashed-state.ts';
import { close } from '../../core/storage/posix/libc.ts';
import { copyProgress } from '../output/progress.ts';
import type { ManifestOptions } from '../proof-options.ts';
import type { MadeManifest } from './make-manifest.ts';
import { newFileMode, placeBelow, placeOf, placeOfOpen } from './manifest-place.ts';
import { openNamedTree } from './open-tree.ts';
import { submitRun } from './submit-run.ts';
import { type GivenTree, treeAt } from './tree-at.ts';
import { onlyTree, planTreeRun, type TreeJobs } from './tree-run.ts';
import { waitForRun } from './wait-for-run.ts';

/**
 * Has tasks hash the regular files of a tree, and waits until finish has written the manifest; without a file of the user's it is
 * printed then. Nothing is written when something is unreadable.
 */
export async function makeManifestByTasks(options: ManifestOptions, jobs: TreeJobs): Promise<MadeManifest> {
  const { context, scheduler } = jobs;
  const tree = treeOf(options.directory);
  const wish = wishFor(options, tree, jobs);
  const request = { purpose: 'manifest', tree, destination: tree, oneFileSystem: false } as const;
  const { copy, run, plan } = await planTreeRun(request, jobs);
  const submitted = await submitRun(copy, run, {
    ...onlyTree,
    phase: 'hash',
    manifest: { ...wish, since: run.attempt },
  });
  copy.note(`job ${submitted.job} is submitted to queue ${submitted.queue}`);
  const progress = copyProgress(context.stderr, plan.totals.entries);
  const { note } = copy;
  const waiting = { scheduler, signal: context.signal, note, onStatus: progress.show, what: 'the job' };
  const waited = waitForRun(run.id, run.attempt, waiting);
  const { run: found } = await waited.finally(() => progress.end());
  const { made, shards } = await readHashed(found.paths, plan, run.attempt);
  const unreadable = shards.flatMap(({ unhashed }) =>
    [...unhashed.values()].map(({ path, cause }) => ({ path, why: cause })),
  );
  if (made !== undefined && made.why === undefined) {
    if (wish.file === undefined) await print(found.paths.manifest, jobs);
  } else if (unreadable.length === 0) throw notMade(options, made, submitted.job);
  const { files = 0, bytes = 0, notForTool = 0 } = made ?? {};
  return { files, bytes, notForTool, unreadable };
}

function treeOf(given: string): GivenTree {
  const fd = openNamedTree(given, 'source');
  try {
    return treeAt(fd, given);
  } finally {
    close(fd);
  }
}

function wishFor({ algorithm, output }: ManifestOptions, tree: GivenTree, jobs: TreeJobs): ManifestWish {
  const { fd } = jobs.context.stdout as { fd?: number };
  const place = output === undefined ? (fd === undefined ? undefined : placeOfOpen(fd)) : placeOf(output);
  const without = place === undefined ? undefined : placeBelow(place, tree.path);
  return {
    algorithm,
    ...(without === undefined ? {} : { without }),
    ...(output === undefined ? {} : { file: place!.file, mode: newFileMode() }),
  };
}

async function print(file: string, { context }: TreeJobs): Promise<void> {
  await pipeline(createReadStream(file), context.stdout, { end: false });
}

function notMade({ directory }: ManifestOptions, made: ManifestLine | undefined, job: string): BcopyError {
  const kind = made === undefined ? 'incomplete' : 'destinationUnwritable';
  const why = made?.why ?? 'its tasks did not come to their end';
  return new BcopyError(kind, `cannot make the manifest of ${quoteName(directory)}: ${why}`, {
    hint: `see ${job}.err; what was hashed is not used again`,
  });
}
