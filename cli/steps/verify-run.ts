import type { ProofWord } from '../../core/model/difference.ts';
import { BcopyError } from '../../core/model/errors.ts';
import { fullFidelity, type KeepWord } from '../../core/model/fidelity.ts';
import type { Submission, VerifyWish } from '../../core/run/attempt-wishes.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { readRunState } from '../../core/run/run-state.ts';
import { shardsToVerify } from '../../core/run/to-verify.ts';
import type { Flags } from '../command-line.ts';
import type { CommandContext } from '../commands/context.ts';
import { type CopyOptions, limitsOf } from '../options.ts';
import { chooseScheduler } from '../schedulers/choose.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { adoptJobs } from './adopt-jobs.ts';
import { announceLogs } from './announce-logs.ts';
import { type FoundAttempt, type FoundRun, findRunOfJob, indexJob } from './find-run.ts';
import { submitOnOtherNodes } from './other-nodes.ts';
import { packagePaths } from './package-paths.ts';
import { refuseBusy } from './refuse-busy.ts';
import type { WantedAttempt } from './submit-attempt.ts';
import type { SubmittedRun } from './submit-run.ts';

/** How the destination of a run is to be compared with its source. */
export type HowToVerify = {
  readonly by: ProofWord;
  readonly keep: readonly KeepWord[];
  /** Seconds by which mtimes may differ. */
  readonly modifyWindow: number;
  readonly threads: number | undefined;
};

export type VerifyRunRequest = {
  readonly job: string;
  readonly how: HowToVerify;
  /** What was typed of the options of jobs, and what they all are. */
  readonly typed: Flags;
  readonly options: CopyOptions;
};

export type SubmittedVerification = SubmittedRun & { readonly scheduler: Scheduler };

/**
 * Submits an attempt that compares with the source what a run records as copied, and nothing else, with what the newest
 * attempt asked of the scheduler where nothing else is typed. What the run was not to keep is not compared.
 */
export async function verifyRun(
  request: VerifyRunRequest,
  context: CommandContext,
  note: (message: string) => void,
): Promise<SubmittedVerification> {
  const found = await findRunOfJob(request.job, context.environment);
  refuseOtherPurpose(found, request.job);
  const last = lastSubmitted(found, request.job);
  const wanted = request.typed.scheduler === undefined ? last.scheduler : request.options.scheduler;
  const supervisorPath = packagePaths().supervisorBundle;
  const { environment } = context;
  const scheduler = await chooseScheduler({ wanted, environment, supervisorPath, note });
  const run = wanted === last.scheduler ? await adoptJobs(found, scheduler) : found;
  await refuseBusy(run, context, 'verify');
  const plan = await readPlan(run.paths);
  const state = await readRunState(run.paths, plan);
  const comparesAll = run.info.purpose === 'verify';
  const shards = shardsToVerify({ plan, state, since: undefined, comparesAll });
  if (shards.length === 0)
    throw new BcopyError('incomplete', `cannot verify job ${request.job}: it has copied nothing yet`);
  const attempt = wantedAttempt(run, last, request);
  const asked = { paths: run.paths, runId: run.info.id, shards, attempt, version: context.version };
  const submittedAt = new Date(context.now());
  const job = await submitOnOtherNodes(asked, scheduler);
  await announceLogs(run.paths, { job: job.id, attempt: attempt.attempt, submittedAt, note });
  await indexJob(job.id, run.info.id, environment);
  const entries = plan.totals.entries;
  return { id: run.info.id, attempt: attempt.attempt, job: job.id, queue: attempt.queue, entries, scheduler };
}

function refuseOtherPurpose({ info: { purpose } }: FoundRun, job: string): void {
  if (purpose !== 'manifest' && purpose !== 'remove') return;
  const what = purpose === 'manifest' ? 'has made a manifest' : 'has removed a tree';
  throw new BcopyError('usage', `cannot verify job ${job}: it ${what}, and copied nothing`);
}

type Submitted = FoundAttempt & { readonly submission: Submission };

function lastSubmitted({ attempts }: FoundRun, job: string): Submitted {
  const last = attempts.findLast((attempt): attempt is Submitted => attempt.submission !== undefined);
  if (last === undefined)
    throw new BcopyError('runNotFound', `cannot verify job ${job}: its run was never submitted`);
  if (last.fidelity?.symlinks !== 'follow') return last;
  throw new BcopyError('usage', 'cannot verify a run that followed symlinks: its entries are others');
}

function wantedAttempt(
  { attempts }: FoundRun,
  last: Submitted,
  { how, typed, options }: VerifyRunRequest,
): WantedAttempt {
  const {
    createdAt: _,
    scheduler: __,
    arrays: ___,
    jobs: ____,
    continues: _____,
    delete: ______,
    manifest: _______,
    ...same
  } = last;
  const number = attempts.at(-1)!.attempt + 1;
  const kept = (last.fidelity ?? fullFidelity).keep;
  const verify: VerifyWish = {
    by: how.by,
    keep: how.keep.filter((word) => kept.includes(word)),
    ...(how.modifyWindow === 0 ? {} : { windowSeconds: how.modifyWindow }),
    // What was removed must not come back
    ...(attempts.some(({ phase }) => phase === 'delete') ? { extras: true } : {}),
    since: number,
  };
  return {
    ...same,
    ...typedChanges(typed, options),
    ...(how.threads === undefined ? {} : { threads: how.threads }),
    attempt: number,
    phase: 'verify',
    verify,
    submission: submissionWith(last.submission, typed, options),
  };
}

/** Only what was typed: the rest is as the run has it. */
function typedChanges(typed: Flags, options: CopyOptions): Partial<WantedAttempt> {
  const { workers, cpusPerTask, checkpoint, tries, maxAttempts, partition } = options;
  const isTyped = (...names: string[]) => names.some((name) => typed[name] !== undefined);
  return {
    ...(isTyped('workers') && workers !== undefined ? { workers } : {}),
    ...(isTyped('cpus-per-task') ? { cpus: cpusPerTask } : {}),
    ...(isTyped('checkpoint') ? { checkpointSeconds: checkpoint } : {}),
    ...(isTyped('tries') ? { tries } : {}),
    ...(isTyped('max-attempts') ? { maxAttempts } : {}),
    ...(options.noContinue && isTyped('no-continue') ? { maxAttempts: undefined } : {}),
    ...(isTyped('bwlimit', 'ops-limit') ? { limits: limitsOf(options) } : {}),
    ...(isTyped('partition') && partition !== undefined ? { queue: partition } : {}),
  };
}

const resourceNames = [
  'account',
  'partition',
  'qos',
  'time',
  'mem',
  'constraint',
  'reservation',
  'mailUser',
  'mailType',
] as const;

function submissionWith(submission: Submission, typed: Flags, options: CopyOptions): Submission {
  const changed = resourceNames.filter((name) => typed[dashed(name)] !== undefined);
  const resources = Object.fromEntries(changed.map((name) => [name, options[name]]));
  const { sbatchArg: extraArguments } = options;
  return {
    ...submission,
    resources: {
      ...submission.resources,
      ...resources,
      ...(typed['sbatch-arg'] === undefined ? {} : { extraArguments }),
    },
  };
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
