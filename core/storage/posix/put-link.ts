import type { Comparison } from '../../model/compare.ts';
import { FileStatus } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import type { NativeName } from './libc.ts';
import { linkat, renameat, unlinkat } from './libc-names.ts';
import { type PutRequest, putFile } from './put-file.ts';
import { isLeftOut, putSpecial, putSymlink } from './put-other.ts';
import { noteOfLeft } from './same-content.ts';
import type { SourcePlace } from './source-tree.ts';
import { check, SystemError } from './system-error.ts';

const first = new FileStatus();
const existing = new FileStatus();

export type PutLinkRequest = {
  /** Where the first name may hold something else than the source's, as it was left as it is. Left out: it does not. */
  readonly source?: SourcePlace | undefined;
  readonly firstDirectory: number;
  readonly firstName: NativeName;
  readonly destinationDirectory: number;
  readonly name: NativeName;
  readonly temporary: NativeName;
  readonly keeper: Keeper;
  readonly compare: Comparison;
};

/**
 * Makes a further name of a file at the destination, in place of whatever file has that name. `skipped` when it is
 * one already. Throws a SystemError and leaves nothing behind then.
 */
export function putLink(request: PutLinkRequest): 'linked' | 'skipped' {
  const { firstDirectory, firstName, destinationDirectory, name, temporary } = request;
  const found = existing.read(destinationDirectory, name) === 0;
  check(first.read(firstDirectory, firstName), 'look at the first name');
  if (found && existing.isSameFileAs(first)) return 'skipped';
  const left = noteOfLeft(first, found ? existing : undefined, { ...request, isDoubted: false });
  if (left !== undefined) {
    request.keeper.note(left);
    return 'skipped';
  }
  if (isOther(request)) throw new SystemError('EXDEV', 'make the link');
  unlinkat(destinationDirectory, temporary, 0);
  check(linkat(firstDirectory, firstName, destinationDirectory, temporary, 0), 'make the link');
  const renamed = renameat(destinationDirectory, temporary, destinationDirectory, name);
  if (renamed < 0) unlinkat(destinationDirectory, temporary, 0);
  check(renamed, 'rename');
  return 'linked';
}

function isOther({ source, keeper, compare }: PutLinkRequest): boolean {
  if (source === undefined || existing.read(source.directory, source.name) !== 0) return false;
  return hasOtherContent(first, existing, { keeper, compare });
}

/** True when a first name that was left as it is holds something else than the source. */
export function hasOtherContent(
  there: FileStatus,
  source: FileStatus,
  { keeper, compare }: Pick<PutLinkRequest, 'keeper' | 'compare'>,
): boolean {
  const isSameTime = !keeper.times || there.hasSameMtimeAs(source, compare.windowSeconds);
  return there.type !== source.type || there.bytes !== source.bytes || !isSameTime;
}

/** What file systems answer that know no hard links (EPERM, EOPNOTSUPP), or no more of one file (EMLINK). */
const refusals = new Set(['EPERM', 'EOPNOTSUPP', 'EMLINK', 'EXDEV']);

/** True when a link could not be made because there can be none, or because its first name may have been left out. */
export function mayPutInstead(error: unknown): error is SystemError {
  if (!(error instanceof SystemError)) return false;
  if (error.action === 'look at the first name') return error.cause === 'ENOENT';
  return error.action === 'make the link' && refusals.has(error.cause);
}

/**
 * Copies a further name as a file of its own where the file system takes no link, and leaves it out where its first
 * name was left out. Throws why the link was not made where neither helps.
 */
export function putInsteadOfLink(request: PutRequest, why: SystemError): 'copied' | 'skipped' {
  const { sourceDirectory, sourceName, keeper } = request;
  const isRefused = why.action === 'make the link';
  if (existing.read(sourceDirectory, sourceName) !== 0) throw why;
  if (!isRefused && !request.compare.existing && !isLeftOut(existing, keeper)) throw why;
  if (isRefused) keeper.lose('links', 'hard link not kept: copied as a file of its own');
  if (existing.type === 'file') return putFile(request);
  return existing.type === 'symlink' ? putSymlink(request) : putSpecial(request);
}
