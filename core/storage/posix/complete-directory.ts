import { type Comparison, mendedNote } from '../../model/compare.ts';
import { type AttributeChanges, findAttributeChanges, hasChanges } from './attribute-changes.ts';
import { type AttributePlace, placeOf } from './extended-attributes.ts';
import { FileStatus, withBirth } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import { fchown } from './libc-metadata.ts';
import { applyOpenAccess, modeFor } from './metadata.ts';
import { unlock } from './open-directory.ts';
import { allowedOwner, mayGive, noteLosses, noteRefusal, signed } from './ownership.ts';
import { check, SystemError } from './system-error.ts';
import type { Trees } from './trees.ts';

const source = new FileStatus();
const destination = new FileStatus();

/** As much of the trees as it takes to look at the source. */
export type SourceSide = Pick<Trees, 'sourcePlace' | 'sourceDirectory'>;

export type DirectoryMeans = {
  readonly keeper: Keeper;
  readonly compare: Comparison;
  /** What is older was there before this run; undefined: nothing was. */
  readonly begunAtMs: number | undefined;
};

/**
 * Gives a directory of the destination the owner, extended attributes, ACLs, mode and times of the source's;
 * `skipped` when it has them, or was there before and only lacked them, and where the source has no such directory, but roots. What is in it must be complete: any later change to it would change its times. Throws a SystemError.
 */
export function completeDirectory(trees: Trees, path: string, means: DirectoryMeans): 'copied' | 'skipped' {
  const { keeper, begunAtMs } = means;
  // It stands for what holds the roots, wherever that is
  if (path === '' && trees.source.isVirtual) return 'skipped';
  const place = readSource(trees, path, keeper.followsSymlinks);
  const fd = trees.destinationDirectory(path);
  const directory = trees.factsOf(fd);
  const { changes, isEqual } = lookAtDirectory(place, { fd, device: directory.device }, means);
  if (isEqual) return 'skipped';
  const request = { status: source, source: place, directory, keeper };
  const { uid, gid } = allowedOwner(request);
  const changesGroup = gid === -1 && keeper.owner && destination.gid !== source.gid && mayGive(source.gid);
  if (uid !== -1 || gid !== -1 || changesGroup)
    noteRefusal(fchown(fd, uid, changesGroup ? signed(source.gid) : gid), keeper);
  if (hasChanges(changes) && (destination.mode & 0o700) !== 0o700) unlock(fd);
  applyOpenAccess(fd, { ...request, changes });
  if (begunAtMs === undefined || !isOlder(destination.birthMs, begunAtMs)) return 'copied';
  keeper.note(mendedNote);
  return 'skipped';
}

/** How a directory that both sides have differs. Statuses hold until the next look. */
export type DirectoryLook = {
  readonly source: FileStatus;
  readonly destination: FileStatus;
  readonly changes: AttributeChanges;
  readonly isEqual: boolean;
};

/** Looks at a directory after `readSource`, and changes nothing. Throws a SystemError. */
export function lookAtDirectory(
  place: AttributePlace,
  { fd, device }: { readonly fd: number; readonly device?: number },
  { keeper, compare }: Pick<DirectoryMeans, 'keeper' | 'compare'>,
): DirectoryLook {
  destination.readOpen(fd, 'look at destination directory', withBirth);
  noteLosses(source, keeper);
  const attributes = {
    source: place,
    sourceDevice: source.deviceNumber,
    destination: fd,
    destinationDevice: device ?? destination.deviceNumber,
    had: 'anything',
  } as const;
  const changes = findAttributeChanges(attributes, keeper);
  const isSame = !hasChanges(changes) && hasSameAccess(keeper, changes.droppedAcl, compare.windowSeconds);
  return { source, destination, changes, isEqual: isSame };
}

/** Clocks of servers differ by a little, and directories are made a while after a run is begun. */
function isOlder(birthMs: number | undefined, begunAtMs: number): boolean {
  return birthMs !== undefined && birthMs < begunAtMs;
}

function hasSameAccess(keeper: Keeper, droppedAcl: Uint8Array | undefined, windowSeconds: number): boolean {
  const hasOwner = process.geteuid?.() !== 0 || destination.uid === source.uid;
  const hasGroup = destination.gid === source.gid || !mayGive(source.gid);
  return (
    (!keeper.owner || (hasOwner && hasGroup)) &&
    destination.mode === modeFor(source, keeper, droppedAcl) &&
    (!keeper.times || destination.hasSameMtimeAs(source, windowSeconds))
  );
}

/** By its name in its parent: a directory that cannot be opened has a mode, attributes and times all the same. */
export function readSource(trees: SourceSide, path: string, followsSymlinks: boolean): AttributePlace {
  if (path === '') return readOpenSource(trees, path);
  const slash = path.lastIndexOf('/');
  const above = slash < 0 ? '' : path.slice(0, slash);
  const { directory, name } = trees.sourcePlace(above, path.slice(slash + 1));
  check(source.read(directory, name), 'look at source');
  if (source.type === 'symlink' && followsSymlinks) return readOpenSource(trees, path);
  if (source.type !== 'directory') throw new SystemError('CHANGED', 'look at source');
  return placeOf(directory, name);
}

/** What a symlink leads to has attributes only when it is open: by a name they would be the symlink's. */
function readOpenSource(trees: SourceSide, path: string): AttributePlace {
  const fd = trees.sourceDirectory(path);
  source.readOpen(fd, 'look at source');
  return fd;
}
