import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isKnownByStamp } from '../../core/model/compare.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteNames } from '../../core/model/names.ts';
import type { Plan, Totals } from '../../core/model/plan.ts';
import { hasVirtualTop } from '../../core/model/source-root.ts';
import { formatCounted } from '../../core/model/units.ts';
import type { RunInfo } from '../../core/run/run-info.ts';
import type { RunPaths } from '../../core/run/run-paths.ts';
import { readRunState, shardsWithWorkLeft } from '../../core/run/run-state.ts';
import { comparisonOf, fidelityOf } from '../options.ts';
import type { PlannedCopy } from '../output/copy-text.ts';
import type { JobRequest } from '../schedulers/scheduler.ts';
import { refuseEmptySource } from './check-delete.ts';
import { checkSpace } from './check-space.ts';
import { abandonRun, createRun, removeRun } from './create-run.ts';
import { lookAtCopies } from './look-at-copies.ts';
import { makePlan } from './make-plan.ts';
import type { GivenRoot } from './preflight.ts';
import { recordLooked } from './record-looked.ts';
import { explainRunError } from './run-errors.ts';
import { scanSource, type Unreadable } from './scan-source.ts';
import { removeAttempt } from './submit-attempt.ts';
import { type Copy, prepare, type ReadyRun, workersOf } from './submit-run.ts';

export type PlannedRun =
  | { readonly kind: 'ready'; readonly run: ReadyRun }
  | {
      readonly kind: 'unreadable';
      readonly unreadable: readonly Unreadable[];
      readonly total: number;
      readonly error: BcopyError;
    };

type ScanProgress = { show(totals: Totals): void };

/**
 * Makes a run: its directory, the tape, the plan. With --check it ends with what this user cannot read. A run that
 * comes to nothing (an error, an interruption, something unreadable) leaves no trace.
 */
export async function planRun(
  copy: Copy,
  progress: ScanProgress,
  purpose?: RunInfo['purpose'],
): Promise<PlannedRun> {
  const { options, context, trees, limits } = copy;
  const { roots, destination } = trees;
  const request = {
    version: context.version,
    ...recordedSource(roots),
    destination: {
      given: destination.given,
      path: destination.path,
      inode: String(destination.identity.inode),
      isNew: destination.isNew,
    },
    command: ['bcopy', ...context.words.filter((word) => word !== '--retry')],
    ...(copy.selection.recorded === undefined ? {} : { filters: copy.selection.recorded }),
    options: { ...options },
    ...(purpose === undefined ? {} : { purpose }),
  };
  // An earlier run of the same trees is the newest as long as this one is not there
  const copies = purpose === undefined ? await lookAtCopies(copy) : undefined;
  const { paths, info } = await createRun(request, new Date(context.now()));
  try {
    const scan = {
      probe: options.check,
      keepsLinks: fidelityOf(options).keep.includes('links'),
      followsSymlinks: options.links === 'follow',
      copies,
      takesStamps:
        copies === undefined && options.links !== 'follow' && isKnownByStamp(comparisonOf(options)),
      selection: copy.selection,
      onProgress: progress.show,
      signal: context.signal,
    };
    const begun = performance.now();
    const { totals, unreadable, same } = await scanSource(paths, trees, scan);
    refuseEmptySource(copy, totals);
    const scanSeconds = (performance.now() - begun) / 1000;
    if (options.check && totals.unreadable > 0) {
      await removeRun(paths);
      return {
        kind: 'unreadable',
        unreadable,
        total: totals.unreadable,
        error: unreadableError(options.source, totals.unreadable, copy.selection.listed !== undefined),
      };
    }
    if (purpose !== 'verify')
      await checkSpace({
        sources: roots,
        destination,
        totals,
        same,
        force: options.force,
        note: copy.note,
        keepsOwner: fidelityOf(options).keep.includes('owner'),
        environment: context.environment,
      });
    const plan = await makePlan(paths, totals, {
      workers: workersOf(copy),
      shards: options.shards,
      shardsAtMost: limits.maxTaskNumber + 1,
      scanSeconds,
      isAlike: same?.entries === totals.entries,
    });
    if (copies !== undefined) await recordLooked(paths, info.id, plan);
    const shards = copies === undefined ? [...plan.shards.keys()] : await shardsLeft(paths, plan);
    return { kind: 'ready', run: { paths, id: info.id, plan, attempt: 1, shards, isNew: true } };
  } catch (error) {
    await abandonRun(paths);
    throw explainRunError(error);
  } finally {
    copies?.close();
  }
}

async function shardsLeft(paths: RunPaths, plan: Plan): Promise<number[]> {
  return shardsWithWorkLeft(plan, await readRunState(paths, plan));
}

/** As run.json has it. */
function recordedSource(roots: readonly GivenRoot[]): Pick<RunInfo, 'source' | 'roots'> {
  const [first] = roots;
  if (first === undefined || hasVirtualTop(roots)) return { roots: [...roots] };
  const { path, given, inode } = first;
  return { source: { given, path, inode } };
}

function unreadableError(sources: readonly string[], total: number, isListed: boolean): BcopyError {
  const why = isListed ? 'closed to you, or listed and not there,' : 'closed to you';
  return new BcopyError(
    'sourceUnreadable',
    `cannot read all of ${quoteNames(sources)}: ${formatCounted(total, 'entry is', 'entries are')} ${why} on ${hostname()}; nothing was submitted`,
    {
      hint: 'without --check the rest is copied, and these are told as failures',
    },
  );
}

/** What --dry-run shows of a run as a whole. Its next attempt is written down for that. */
export async function describeRun(copy: Copy, run: ReadyRun): Promise<PlannedCopy> {
  const { arrays, finish, attempt } = await prepare(copy, run);
  const jobs = [...arrays, finish];
  const scripts = await Promise.all(
    jobs.map(async ({ script }) => ({ name: script, text: await readFile(script, 'utf8') })),
  );
  return { plan: run.plan, queue: attempt.queue, commands: describeJobs(copy, arrays, finish), scripts };
}

/** Removes what was made for --dry-run: a run, or an attempt that was only prepared. */
export async function forgetRun(run: ReadyRun): Promise<void> {
  await (run.isNew ? removeRun(run.paths) : removeAttempt(run.paths, run.attempt));
}

/** The numbers of the jobs before are not known yet: they stand as ARRAY0, ARRAY1 ... */
function describeJobs(
  { scheduler }: Copy,
  arrays: readonly JobRequest[],
  finish: JobRequest,
): (readonly string[])[] {
  const jobs = arrays.map(({ directory }, i) => ({ id: `ARRAY${i}`, directory }));
  const described = arrays.map((array, i) =>
    scheduler.describe({ ...array, after: jobs.slice(Math.max(0, i - 1), i) }),
  );
  return [...described, scheduler.describe({ ...finish, after: jobs })];
}
