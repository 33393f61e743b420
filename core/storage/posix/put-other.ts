import { leftOutNotes } from '../../model/fidelity.ts';
import { placeOf } from './extended-attributes.ts';
import { FileStatus } from './file-status.ts';
import type { Keeper } from './keeper.ts';
import { close, ENOENT } from './libc.ts';
import { mknodat, readlinkat, renameat, symlinkat, unlinkat } from './libc-names.ts';
import { mendEntry } from './mend-entry.ts';
import { applyPinnedMetadata } from './metadata.ts';
import { pin } from './pinned.ts';
import { changeTries, type PutRequest } from './put-file.ts';
import { type ComparedPlace, noteOfLeft } from './same-content.ts';
import { check, SystemError } from './system-error.ts';

const status = new FileStatus();
const existing = new FileStatus();
const target = Buffer.alloc(4097);
const existingTarget = Buffer.alloc(4097);

/** What can only be made anew, at both sides: `mayExist` is false where nothing can be in the way. */
export type JudgedPlace = ComparedPlace & { readonly mayExist: boolean };

/** What is to become of it; `left` has the note of why it is left as it is. */
export type Judgement =
  | { readonly kind: 'left'; readonly note: string }
  | {
      readonly kind: 'missing' | 'other' | 'same';
      readonly status: FileStatus;
      readonly existing: FileStatus;
    };

/** Copies a symlink as it is, target and times, by a temporary name. Throws a SystemError. */
export function putSymlink(request: PutRequest): 'copied' | 'skipped' {
  const { destinationDirectory, temporary } = request;
  if (isThere(request, judgeSymlink(request))) return 'skipped';
  return putNode(
    request,
    () => symlinkat(target.subarray(0, target.indexOf(0) + 1), destinationDirectory, temporary),
    'make symlink',
  );
}

/** Looks at both sides and changes nothing. Throws a SystemError. */
export function judgeSymlink(place: JudgedPlace): Judgement {
  const length = readSource(place);
  if (length === undefined) return { kind: 'left', note: leftOutNotes.symlink };
  target[length] = 0;
  return judge(place, () => isSameSymlink(place, length));
}

/** Target and status of one symlink, not of two that had the name one after the other. Undefined: it is to be left out. */
function readSource({ sourceDirectory, sourceName, keeper }: JudgedPlace): number | undefined {
  for (let tries = 1; tries <= changeTries; tries++) {
    check(status.read(sourceDirectory, sourceName), 'look at source');
    if (status.type !== 'symlink') break;
    if (keeper.skipsSymlinks) return undefined;
    const length = check(readlinkat(sourceDirectory, sourceName, target), 'read symlink');
    check(existing.read(sourceDirectory, sourceName), 'look at source');
    if (existing.isSameFileAs(status) && existing.isUnchangedSince(status)) return length;
  }
  throw new SystemError('CHANGED', 'read symlink');
}

function isSameSymlink({ destinationDirectory, name }: JudgedPlace, length: number): boolean {
  if (existing.type !== 'symlink') return false;
  const theirs = readlinkat(destinationDirectory, name, existingTarget);
  return theirs === length && target.compare(existingTarget, 0, length, 0, length) === 0;
}

function judge(place: JudgedPlace, isSame: () => boolean): Judgement {
  const { mayExist, destinationDirectory, name } = place;
  const found = mayExist && existing.read(destinationDirectory, name) === 0;
  const note = noteOfLeft(status, found ? existing : undefined, place);
  if (note !== undefined) return { kind: 'left', note };
  return { kind: found ? (isSame() ? 'same' : 'other') : 'missing', status, existing };
}

/** True when nothing is to be made: it is there, and has got the rest of what its source has, or is to be left. */
function isThere(request: PutRequest, judged: Judgement): boolean {
  if (judged.kind === 'left') request.keeper.note(judged.note);
  return (
    judged.kind === 'left' || (judged.kind === 'same' && mendEntry({ place: request, status, existing }))
  );
}

/** Makes a FIFO, socket or device like the source's; devices are for root. Throws a SystemError. */
export function putSpecial(request: PutRequest): 'copied' | 'skipped' {
  const { destinationDirectory, temporary } = request;
  if (isThere(request, judgeSpecial(request))) return 'skipped';
  const { fullMode, specialDevice } = status;
  const make = () => mknodat(destinationDirectory, temporary, fullMode & ~0o7777, specialDevice);
  try {
    return putNode(request, make, 'make special file');
  } catch (error) {
    if (!status.isDevice || !isRefused(error)) throw error;
    loseDevice(request.keeper);
    return 'skipped';
  }
}

/** Looks at both sides and changes nothing. Throws a SystemError. */
export function judgeSpecial(place: JudgedPlace): Judgement {
  const { sourceDirectory, sourceName, keeper } = place;
  const result = keeper.followsSymlinks
    ? status.readFollowed(sourceDirectory, sourceName)
    : status.read(sourceDirectory, sourceName);
  check(result, 'look at source');
  if (status.type !== 'special') throw new SystemError('CHANGED', 'make special file');
  return judge(place, isSameSpecial);
}

export function loseDevice(keeper: Keeper): void {
  keeper.lose('device', leftOutNotes.device);
}

/** True of what may be missing at the destination though it is in the source: symlinks by request, devices without root. */
export function isLeftOut({ type, isDevice }: FileStatus, keeper: Keeper): boolean {
  return (type === 'symlink' && keeper.skipsSymlinks) || isDevice;
}

function isRefused(error: unknown): boolean {
  return error instanceof SystemError && error.cause === 'EPERM' && error.action === 'make special file';
}

function isSameSpecial(): boolean {
  const isSameType = (existing.fullMode & ~0o7777) === (status.fullMode & ~0o7777);
  return isSameType && existing.specialDevice === status.specialDevice;
}

function putNode(request: PutRequest, make: () => number, action: string): 'copied' {
  const { destinationDirectory, name, temporary, directory, keeper } = request;
  const source = placeOf(request.sourceDirectory, request.sourceName);
  const stale = unlinkat(destinationDirectory, temporary, 0);
  if (stale !== ENOENT) check(stale, 'remove leftover');
  check(make(), action);
  try {
    const made = pin(destinationDirectory, temporary, status.type);
    try {
      applyPinnedMetadata(made, { status, source, directory, keeper });
    } finally {
      close(made);
    }
    check(renameat(destinationDirectory, temporary, destinationDirectory, name), 'rename');
  } catch (error) {
    unlinkat(destinationDirectory, temporary, 0);
    throw error;
  }
  return 'copied';
}
