import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import type { Algorithm } from '../../core/model/algorithm.ts';
import type { Difference } from '../../core/model/difference.ts';
import { joinPath } from '../../core/model/entry.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName } from '../../core/model/names.ts';
import { runsDirectory } from '../../core/run/run-paths.ts';
import { FileStatus } from '../../core/storage/posix/file-status.ts';
import { type HashedFile, hashFiles } from '../../core/storage/posix/hash-tree.ts';
import { close, nativeName } from '../../core/storage/posix/libc.ts';
import { putOnDisk } from '../../core/storage/posix/open-tree.ts';
import { identityOf } from '../../core/storage/posix/scan.ts';
import { walkSorted } from '../../core/storage/posix/sorted-walk.ts';
import type { Tell } from './compare-trees.ts';
import { type ManifestFile, ManifestReader } from './manifest-file.ts';
import { openNamedTree } from './open-tree.ts';
import { packagePaths } from './package-paths.ts';

export type ManifestToVerify = {
  readonly manifest: string;
  readonly directory: string;
  readonly algorithm: Algorithm | undefined;
  /** A file that the manifest does not name is a difference. */
  readonly strict: boolean;
  readonly threads: number | undefined;
};

const status = new FileStatus();

/**
 * Compares the files of a tree with a manifest. All of that is understood before the first file is looked at. Returns what was
 * compared.
 */
export async function verifyManifest(
  request: ManifestToVerify,
  tell: Tell,
  signal: AbortSignal,
): Promise<{ files: number; bytes: number }> {
  const { manifest, directory, algorithm, strict } = request;
  const reader = new ManifestReader(manifest, algorithm);
  const { algorithms, paths } = understandAll(reader, request);
  const root = openNamedTree(directory, 'destination');
  await putOnDisk(root);
  const hashing = {
    ...{ root, algorithm: algorithms[0] ?? 'xxh3', algorithms, isFresh: true, followsSymlinks: true },
    threadProgram: pathToFileURL(packagePaths().proofThreadBundle),
    threads: request.threads ?? availableParallelism(),
    passOver: [],
  };
  const counted = { files: 0, bytes: 0 };
  for await (const hashed of hashFiles(hashing, reader.files(), signal)) {
    const difference = compareOne(hashed);
    if (difference !== undefined) await tell(difference);
    counted.files++;
    if (hashed.hashed.kind === 'digest') counted.bytes += hashed.hashed.bytes;
  }
  if (strict) await tellExtra(root, paths, identityOf(manifest), tell);
  close(root);
  return counted;
}

/** Which algorithms it takes, and all its paths where they are asked for. */
function understandAll(reader: ManifestReader, { manifest, strict }: ManifestToVerify) {
  const [algorithms, paths] = [new Set<Algorithm>(), new Set<string>()];
  for (const { algorithm, directory, name } of reader.files()) {
    algorithms.add(algorithm);
    if (strict) paths.add(joinPath(directory, name));
  }
  if (algorithms.size === 0 && !strict)
    throw new BcopyError('usage', `cannot use the manifest ${quoteName(manifest)}: it names no file`);
  return { algorithms: [...algorithms], paths };
}

function compareOne({ file, hashed }: HashedFile<ManifestFile>): Difference | undefined {
  const path = joinPath(file.directory, file.name);
  if (hashed.kind === 'missing') return { kind: 'missing', path, detail: '' };
  if (hashed.kind === 'unreadable') return { kind: 'unreadable', path, detail: hashed.why };
  if (hashed.kind !== 'digest') return { kind: 'type', path, detail: 'no regular file' };
  if (hashed.digest === file.digest) return undefined;
  return { kind: 'content', path, detail: `another ${file.algorithm}` };
}

async function tellExtra(
  root: number,
  paths: ReadonlySet<string>,
  manifest: ReturnType<typeof identityOf>,
  tell: Tell,
): Promise<void> {
  const identity = identityOf(runsDirectory);
  const own = identity && { ...identity, name: runsDirectory };
  const unreadable: Difference[] = [];
  const onUnreadable = (path: string, detail: string) =>
    void unreadable.push({ kind: 'unreadable', path, detail });
  for (const { directory, name } of walkSorted({ root, own, onUnreadable })) {
    const path = joinPath(directory, name);
    if (paths.has(path) || !isOtherFile(root, path, manifest)) continue;
    await tell({ kind: 'extra', path, detail: '' });
  }
  for (const difference of unreadable) await tell(difference);
}

/** A regular file, and not the manifest itself. */
function isOtherFile(root: number, path: string, manifest: ReturnType<typeof identityOf>): boolean {
  if (status.read(root, nativeName(path)) < 0 || status.type !== 'file') return false;
  return status.inode !== manifest?.inode || status.device !== manifest.device;
}
