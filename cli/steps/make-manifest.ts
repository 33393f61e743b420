import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import type { Algorithm } from '../../core/model/algorithm.ts';
import { joinPath } from '../../core/model/entry.ts';
import { formatManifestLine, isReadByTool } from '../../core/model/manifest-line.ts';
import { runsDirectory } from '../../core/run/run-paths.ts';
import type { Identity } from '../../core/storage/posix/entry-rules.ts';
import { hashFiles } from '../../core/storage/posix/hash-tree.ts';
import { close } from '../../core/storage/posix/libc.ts';
import { type Limits, shareLimits } from '../../core/storage/posix/limits.ts';
import { identityOf } from '../../core/storage/posix/scan.ts';
import { walkSorted } from '../../core/storage/posix/sorted-walk.ts';
import { openNamedTree } from './open-tree.ts';
import { packagePaths } from './package-paths.ts';

export type ManifestRequest = {
  readonly directory: string;
  readonly algorithm: Algorithm;
  readonly threads: number | undefined;
  readonly limits: Limits;
  /** Files that are left out: the manifest itself, when it is made in the tree. */
  readonly passOver: readonly Identity[];
};

export type MadeManifest = {
  files: number;
  bytes: number;
  /** Names that the algorithm's own tool cannot read. */
  notForTool: number;
  readonly unreadable: { readonly path: string; readonly why: string }[];
};

/** Hashes the regular files of a tree with threads of this machine; `write` gets the lines sorted by path, with their ends. */
export async function makeManifest(
  request: ManifestRequest,
  write: (line: string) => Promise<void>,
  signal: AbortSignal,
): Promise<MadeManifest> {
  const { directory, algorithm, passOver } = request;
  const made: MadeManifest = { files: 0, bytes: 0, notForTool: 0, unreadable: [] };
  const root = openNamedTree(directory, 'source');
  const identity = identityOf(runsDirectory);
  const own = identity && { ...identity, name: runsDirectory };
  const onUnreadable = (path: string, why: string) => void made.unreadable.push({ path, why });
  const hashing = {
    ...{ root, algorithm, algorithms: [algorithm], isFresh: false, followsSymlinks: false, passOver },
    threadProgram: pathToFileURL(packagePaths().proofThreadBundle),
    threads: request.threads ?? availableParallelism(),
    limits: shareLimits(request.limits),
  };
  for await (const { file, hashed } of hashFiles(hashing, walkSorted({ root, own, onUnreadable }), signal)) {
    const path = joinPath(file.directory, file.name);
    if (hashed.kind === 'unreadable') onUnreadable(path, hashed.why);
    if (hashed.kind !== 'digest') continue;
    await write(`${formatManifestLine(algorithm, hashed.digest, path)}\n`);
    made.files++;
    made.bytes += hashed.bytes;
    if (!isReadByTool(algorithm, path)) made.notForTool++;
  }
  close(root);
  return made;
}
