import { createInterface } from 'node:readline/promises';
import { meaningOf } from '../../core/model/advice.ts';
import { BcopyError, exitCodes } from '../../core/model/errors.ts';
import { quoteName } from '../../core/model/names.ts';
import { formatBytes, formatCount, formatCounted } from '../../core/model/units.ts';
import { countTree, type TreeCount } from '../../core/storage/posix/count-tree.ts';
import { close } from '../../core/storage/posix/libc.ts';
import { ParallelRemoval } from '../../core/storage/posix/parallel-removal.ts';
import { holdsCurrentDirectory, isOther, openParentOf } from '../../core/storage/posix/removable-path.ts';
import { SystemError } from '../../core/storage/posix/system-error.ts';
import type { RemoveOptions } from '../job-options.ts';
import type { CommandContext } from './context.ts';

type Target = { readonly given: string; readonly parent: number; readonly name: string };

/** So many things that stay are listed. */
const listedAtMost = 1000;

/** `bcopy remove PATH...`: trees go for good, after their counts were shown and somebody has agreed. */
export async function remove({ paths, yes }: RemoveOptions, context: CommandContext): Promise<number> {
  if (!yes && context.stdin.isTTY !== true)
    throw new BcopyError('usage', 'cannot remove anything: nobody is there to be asked', {
      hint: 'in a script, --yes says that it is meant',
    });
  const targets = paths.map(open);
  try {
    for (const target of targets)
      context.stdout.write(`${quoteName(target.given)}: ${sayCount(count(target))}\n`);
    if (!yes && !(await isAgreed(context))) {
      context.stdout.write('Nothing is removed.\n');
      return exitCodes.incomplete;
    }
    const left = await removeAll(targets, context);
    return left === 0 ? exitCodes.done : exitCodes.incomplete;
  } finally {
    for (const { parent } of targets) close(parent);
  }
}

function open(given: string): Target {
  const refuse = (why: string) => new BcopyError('usage', `cannot remove ${quoteName(given)}: ${why}`);
  const path = given.replace(/\/+$/, '');
  if (/(^|\/)\.{0,2}$/.test(path)) throw refuse('it must end with a name of its own');
  try {
    const { parent, name } = openParentOf(path);
    // The slash would lead on from a symlink
    if (path !== given && isOther(parent, name)) throw refuse('it is not a directory');
    if (holdsCurrentDirectory(parent, name)) throw refuse('the current directory is in it');
    return { given, parent, name };
  } catch (error) {
    throw explained(error, given);
  }
}

function count({ given, parent, name }: Target): TreeCount {
  try {
    return countTree(parent, name);
  } catch (error) {
    throw explained(error, given);
  }
}

function explained(error: unknown, given: string): unknown {
  if (!(error instanceof SystemError)) return error;
  return new BcopyError(
    'destinationUnwritable',
    `cannot remove ${quoteName(given)}: ${error.action}: ${meaningOf(error.cause)}`,
  );
}

function sayCount({ directories, others, bytes, closed }: TreeCount): string {
  const what = `${formatCounted(directories, 'directory', 'directories')}, ${formatCounted(others, 'other entry', 'other entries')}, ${formatBytes(bytes)}`;
  return closed === 0 ? what : `${what}; ${formatCount(closed)} not looked into`;
}

async function isAgreed({ stdin, stderr, signal }: CommandContext): Promise<boolean> {
  const asked = createInterface({ input: stdin, output: stderr });
  try {
    return /^y(es)?$/i.test((await asked.question('Remove all this for good? [y/N] ', { signal })).trim());
  } finally {
    asked.close();
  }
}

/** How many things stay. */
async function removeAll(
  targets: readonly Target[],
  { stdout, stderr, signal }: CommandContext,
): Promise<number> {
  let [entries, left] = [0, 0];
  for (const { given, parent, name } of targets) {
    const removed = new ParallelRemoval(parent, signal);
    await removed.remove(name);
    entries += removed.entries;
    left += removed.kept.length;
    for (const { path, cause } of removed.kept.slice(0, listedAtMost)) {
      const at = path === name ? given : `${given.replace(/\/+$/, '')}${path.slice(name.length)}`;
      stderr.write(`bcopy: ${quoteName(at)} stays: ${meaningOf(cause)}\n`);
    }
  }
  stdout.write(`${formatCounted(entries, 'entry is', 'entries are')} removed.\n`);
  return left;
}
