import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { meaningOf } from '../../core/model/advice.ts';
import { BcopyError, exitCodes } from '../../core/model/errors.ts';
import { quoteName } from '../../core/model/names.ts';
import type { Kept } from '../../core/model/removal.ts';
import { formatBytes, formatCount, formatCounted } from '../../core/model/units.ts';
import { countTree, type TreeCount } from '../../core/storage/posix/count-tree.ts';
import { close } from '../../core/storage/posix/libc.ts';
import { ParallelRemoval } from '../../core/storage/posix/parallel-removal.ts';
import {
  holdsCurrentDirectory,
  isDirectoryAt,
  isMountPoint,
  isOther,
  openParentOf,
} from '../../core/storage/posix/removable-path.ts';
import { SystemError } from '../../core/storage/posix/system-error.ts';
import type { RemoveOptions } from '../job-options.ts';
import type { CopyOptions } from '../options.ts';
import { ClusterRemoval } from '../steps/cluster-removal.ts';
import { clusterFor, type TreeJobs } from '../steps/tree-run.ts';
import type { CommandContext } from './context.ts';

type Target = {
  readonly given: string;
  readonly parent: number;
  readonly name: string;
  /** Of a directory that goes by tasks. */
  readonly removal?: ClusterRemoval;
};

/** So many things that stay are listed. */
const listedAtMost = 1000;

/**
 * `bcopy remove PATH...`: trees go for good, after their counts were shown and somebody has agreed. Directories go by tasks where
 * there is a cluster.
 */
export async function remove(
  { paths, yes }: RemoveOptions,
  jobs: CopyOptions,
  context: CommandContext,
): Promise<number> {
  if (!yes && context.stdin.isTTY !== true)
    throw new BcopyError('usage', 'cannot remove anything: nobody is there to be asked', {
      hint: 'in a script, --yes says that it is meant',
    });
  const named = paths.map(open);
  const targets: Target[] = [];
  try {
    const cluster = await clusterFor(jobs, context);
    for (const target of named) {
      const tasks = cluster && { options: jobs, context, scheduler: cluster };
      targets.push(
        tasks !== undefined && isDirectoryAt(target.parent, target.name) ? await plan(target, tasks) : target,
      );
      context.stdout.write(`${quoteName(target.given)}: ${sayCount(count(targets.at(-1)!))}\n`);
    }
    if (!yes && !(await isAgreed(context))) {
      context.stdout.write('Nothing is removed.\n');
      return exitCodes.incomplete;
    }
    const left = await removeAll(targets, context);
    return left === 0 ? exitCodes.done : exitCodes.incomplete;
  } finally {
    for (const { removal } of targets) await removal?.abandon();
    for (const { parent } of named) close(parent);
  }
}

async function plan(target: Target, jobs: TreeJobs): Promise<Target> {
  const { parent, name, given } = target;
  const removal = await ClusterRemoval.plan(parent, name, given, jobs).catch((error: unknown) => {
    throw explained(error, given);
  });
  return { ...target, removal };
}

function open(given: string): Target {
  const refuse = (why: string) => new BcopyError('usage', `cannot remove ${quoteName(given)}: ${why}`);
  const path = given.replace(/\/+$/, '');
  if (/(^|\/)\.{0,2}$/.test(path)) throw refuse('it must end with a name of its own');
  try {
    const { parent, name } = openParentOf(path);
    // The slash would lead on from a symlink
    if (path !== given && isOther(parent, name)) throw refuse('it is not a directory');
    if (isMountPoint(parent, name))
      throw refuse('another file system is mounted there; unmount it, or name what is in it');
    if (holdsCurrentDirectory(parent, name)) throw refuse('the current directory is in it');
    return { given, parent, name };
  } catch (error) {
    throw explained(error, given);
  }
}

function count({ given, parent, name, removal }: Target): TreeCount {
  if (removal !== undefined) return removal.count;
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
  const ended = once(asked, 'close').then(() => '');
  try {
    const answer = asked.question('Remove all this for good? [y/N] ', { signal });
    return /^y(es)?$/i.test((await Promise.race([answer, ended])).trim());
  } catch (error) {
    // Ctrl-C and Ctrl-D are no signals here
    if ((error as Error).name !== 'AbortError' || signal.aborted) throw error;
    stderr.write('\n');
    return false;
  } finally {
    asked.close();
  }
}

/** How many things stay. Jobs are submitted before anything is waited for. */
async function removeAll(targets: readonly Target[], context: CommandContext): Promise<number> {
  const { stdout, stderr } = context;
  for (const { removal } of targets) {
    if (removal === undefined) continue;
    const { job, queue } = await removal.submit();
    stderr.write(`bcopy: job ${job} is submitted to queue ${queue}\n`);
  }
  let [entries, left] = [0, 0];
  for (const target of targets) {
    const removed = await removeOne(target, context);
    entries += removed.entries;
    left += removed.kept.length;
    for (const { path, cause } of removed.kept.slice(0, listedAtMost)) {
      const at = path === '' ? target.given : `${target.given.replace(/\/+$/, '')}/${path}`;
      stderr.write(`bcopy: ${quoteName(at)} stays: ${meaningOf(cause)}\n`);
    }
    if (removed.why === undefined) continue;
    stderr.write(`bcopy: ${quoteName(target.given)} stays: ${removed.why}\n`);
    left++;
  }
  stdout.write(`${formatCounted(entries, 'entry is', 'entries are')} removed.\n`);
  return left;
}

type Removed = {
  readonly entries: number;
  /** By paths below the target. */
  readonly kept: readonly Kept[];
  /** Why it has not come to an end. */
  readonly why?: string;
};

async function removeOne({ parent, name, removal }: Target, { signal }: CommandContext): Promise<Removed> {
  if (removal !== undefined) {
    const { entries, kept, isGone, job } = await removal.wait();
    const isOver = isGone || kept.length > 0;
    return {
      entries,
      kept,
      ...(isOver ? {} : { why: `its tasks did not come to their end; see ${job}.err` }),
    };
  }
  const removed = new ParallelRemoval(parent, signal);
  await removed.remove(name);
  const kept = removed.kept.map((one) => ({ ...one, path: one.path.slice(name.length + 1) }));
  return { entries: removed.entries, kept };
}
