import { setTimeout as sleep } from 'node:timers/promises';
import { BcopyError } from '../../core/model/errors.ts';
import { quoteName, quoteNames } from '../../core/model/names.ts';
import { formatCount, formatCounted } from '../../core/model/units.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { adoptJobs } from './adopt-jobs.ts';
import { type FoundRun, findNewestRun, readRun } from './find-run.ts';
import { isSameSelection } from './read-selection.ts';
import { isBusy } from './run-phase.ts';
import { type RunStatus, readRunStatus } from './run-status.ts';
import { schedulerOf } from './scheduler-of-run.ts';
import type { Copy, ReadyRun } from './submit-run.ts';

export type EarlierRun =
  | { readonly kind: 'plan anew' }
  | { readonly kind: 'go on'; readonly run: ReadyRun }
  | { readonly kind: 'nothing left'; readonly text: string };

/**
 * The rest of the newest run of the same source and destination in this directory. A run that could not read some
 * directories when it was planned is planned anew, since nobody knows what is in them; what is there is skipped.
 */
export async function retryRun(copy: Copy): Promise<EarlierRun> {
  const earlier = await find(copy);
  if (earlier === undefined) {
    const { source: sources, destination } = copy.options;
    throw new BcopyError(
      'runNotFound',
      `cannot retry: no earlier copy of ${quoteNames(sources)} to ${quoteName(destination)} was made in this directory`,
      {
        hint: 'go to the directory where it was made, or leave --retry away',
      },
    );
  }
  const scheduler = await schedulerFor(earlier, copy);
  const run = scheduler === undefined ? earlier : await adoptJobs(earlier, scheduler);
  const status = await readEndedStatus(run, scheduler, copy);
  refuseIfBusy(run, status);
  if (!isSameSelection(run.info.filters, copy.selection.recorded)) {
    copy.note(`run ${run.info.id} was planned with other filters, so it is planned anew`);
    return { kind: 'plan anew' };
  }
  if (status.phase === 'complete' && !asksForMore(copy, run))
    return { kind: 'nothing left', text: sayComplete(copy, status) };
  const plan = await readPlan(run.paths);
  if (plan.totals.unreadable > 0) {
    copy.note(
      `${formatCounted(plan.totals.unreadable, 'entry', 'entries')} could not be read when run ${run.info.id} was planned, so it is planned anew`,
    );
    return { kind: 'plan anew' };
  }
  if (followed(run) !== (copy.options.links === 'follow')) {
    copy.note(`run ${run.info.id} was planned with other --links, so it is planned anew`);
    return { kind: 'plan anew' };
  }
  const attempt = (run.attempts.at(-1)?.attempt ?? 0) + 1;
  const { paths, info } = run;
  return { kind: 'go on', run: { paths, id: info.id, plan, attempt, shards: status.left, isNew: false } };
}

/** True when a run that is complete is to be compared, as it has not been, or hashed. */
function asksForMore({ options, manifest }: Copy, run: FoundRun): boolean {
  return manifest !== undefined || (options.verify !== 'none' && !isProved(run, options.verify));
}

/** True of a complete run whose copy was to be compared so, or more closely. */
function isProved({ attempts }: FoundRun, by: 'size' | 'checksum'): boolean {
  const { verify } = attempts.at(-1)!;
  return verify?.mends === true && (verify.by === by || verify.by === 'checksum');
}

function sayComplete({ options: { verify } }: Copy, { run, account, job }: RunStatus): string {
  const all = `all ${formatCount(account.planned.entries)} entries of run ${run.info.id} are at the destination`;
  return verify === 'none'
    ? `${all}.`
    : `${all}, and were compared; bcopy verify ${job} compares them again.`;
}

const endingMs = 60_000;
const lookMs = 500;

/** SLURM gives the processes of what was cancelled, or refused half way, some time to end: it is waited for, at most a minute. */
async function readEndedStatus(
  run: FoundRun,
  scheduler: Scheduler | undefined,
  { context, note }: Copy,
): Promise<RunStatus> {
  let status = await readRunStatus(run, scheduler);
  if (status.isEnding) note(`job ${status.job} is being ended; waiting for its tasks`);
  for (const end = Date.now() + endingMs; status.isEnding && Date.now() < end; ) {
    await sleep(lookMs, undefined, { signal: context.signal });
    status = await readRunStatus(await readRun(run.info.id), scheduler);
  }
  return status;
}

/** The tape of a run that follows symlinks has what they lead to in their places, and no symlinks. */
function followed({ attempts }: FoundRun): boolean {
  return attempts.at(-1)?.fidelity?.symlinks === 'follow';
}

/** Two copies of the same trees at once help nobody: an earlier one that is under way is told. */
export async function refuseBusyRun(copy: Copy): Promise<EarlierRun> {
  try {
    const run = await find(copy);
    if (run !== undefined) refuseIfBusy(run, await readRunStatus(run, await schedulerFor(run, copy)));
  } catch (error) {
    // A damaged run is no obstacle to a new one
    if (!(error instanceof BcopyError) || error.kind !== 'runDamaged') throw error;
  }
  return { kind: 'plan anew' };
}

/** The earlier run may have gone to another scheduler than this copy will. */
async function schedulerFor(run: FoundRun, { scheduler, context }: Copy): Promise<Scheduler | undefined> {
  const isSame = run.attempts.at(-1)?.scheduler === scheduler.kind;
  return isSame ? scheduler : schedulerOf(run, context);
}

function find({ trees }: Copy): Promise<FoundRun | undefined> {
  return findNewestRun(trees.roots, trees.destination.path);
}

function refuseIfBusy(run: FoundRun, { phase, schedulerAnswered, job }: RunStatus): void {
  if (!isBusy(phase)) return;
  if (!schedulerAnswered) {
    throw new BcopyError(
      'noScheduler',
      `cannot tell whether job ${job} still runs: the scheduler does not answer`,
      { hint: 'try again later' },
    );
  }
  throw new BcopyError(
    'runBusy',
    `cannot start: job ${job} (run ${run.info.id}) is still copying the same trees`,
    {
      hint: `bcopy status ${job} shows how far it is; bcopy cancel ${job} ends it`,
    },
  );
}
