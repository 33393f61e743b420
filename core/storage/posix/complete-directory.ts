import { FileStatus } from './file-status.ts';
import { nativeName } from './libc.ts';
import { applyMetadata, type NoteCounter } from './metadata.ts';
import { check, SystemError } from './system-error.ts';
import type { Trees } from './trees.ts';

const source = new FileStatus();
const destination = new FileStatus();

/**
 * Gives a directory of the destination the owner, mode and times of the source's; `skipped` when it has them.
 * What is in it must be complete: any later change to it would change its times. Throws a SystemError.
 */
export function completeDirectory(trees: Trees, path: string, note: NoteCounter): 'copied' | 'skipped' {
  readSource(trees, path);
  const fd = trees.destinationDirectory(path);
  destination.readOpen(fd, 'look at destination directory');
  if (isEqual()) return 'skipped';
  applyMetadata(fd, source, note);
  return 'copied';
}

function isEqual(): boolean {
  const hasOwner =
    process.geteuid?.() !== 0 || (destination.uid === source.uid && destination.gid === source.gid);
  return hasOwner && destination.mode === source.mode && destination.hasSameMtimeAs(source);
}

/** By its name in its parent: a directory that cannot be opened has a mode and times all the same. */
function readSource(trees: Trees, path: string): void {
  if (path === '') {
    source.readOpen(trees.sourceRoot, 'look at source');
    return;
  }
  const slash = path.lastIndexOf('/');
  const parent = trees.sourceDirectory(slash < 0 ? '' : path.slice(0, slash));
  check(source.read(parent, nativeName(path.slice(slash + 1))), 'look at source');
  if (source.type !== 'directory') throw new SystemError('CHANGED', 'look at source');
}
