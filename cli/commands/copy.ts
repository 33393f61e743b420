import { readFile } from 'node:fs/promises';
import { isComplete } from '../../core/model/account.ts';
import { exitCodes } from '../../core/model/errors.ts';
import type { PhaseWishes } from '../../core/model/phase.ts';
import { formatCount, formatCounted } from '../../core/model/units.ts';
import type { CopyOptions } from '../options.ts';
import { formatSubmitted, formatTrees, formatUnreadable } from '../output/copy-text.ts';
import { copyProgress, scanProgress } from '../output/progress.ts';
import { chooseScheduler } from '../schedulers/choose.ts';
import { refuseDangerousDelete } from '../steps/check-delete.ts';
import { makeRunsDirectory, refuseForeignRuns } from '../steps/create-run.ts';
import { refuseBusyRun, retryRun } from '../steps/earlier-run.ts';
import { checkTemplates } from '../steps/job-script.ts';
import { manifestWishOf } from '../steps/manifest-wish.ts';
import { packagePaths } from '../steps/package-paths.ts';
import { planRun } from '../steps/plan-run.ts';
import { checkTrees } from '../steps/preflight.ts';
import { readSelection, refuseListOf } from '../steps/read-selection.ts';
import { tryToReport } from '../steps/report-run.ts';
import { type Copy, type SubmittedRun, submitRun } from '../steps/submit-run.ts';
import { waitForRun } from '../steps/wait-for-run.ts';
import type { CommandContext } from './context.ts';
import { dryRun } from './dry-run.ts';

/** `bcopy -s SRC -d DST`: checks, scans, plans and submits a copy, or the rest of an earlier one. */
export async function copy(options: CopyOptions, context: CommandContext): Promise<number> {
  const note = (message: string) => void context.stderr.write(`bcopy: ${message}\n`);
  const isForPrograms = options.parsable || options.json;
  const say = (text: string) => void (isForPrograms || context.stdout.write(text));
  const selection = await readSelection(options, context.now());
  const trees = checkTrees(options.source, options.destination);
  refuseListOf(trees.roots, options);
  await refuseForeignRuns();
  const { node, workerBundle: worker, templates } = options;
  if (templates !== undefined) await checkTemplates(templates, { node, worker, version: context.version });
  const supervisorPath = packagePaths().supervisorBundle;
  const scheduler = await chooseScheduler({
    wanted: options.scheduler,
    environment: context.environment,
    supervisorPath,
    note,
  });
  refuseDangerousDelete({ options, trees });
  const settled: Copy = {
    options,
    context,
    trees,
    selection,
    manifest: manifestWishOf(options, trees, note),
    scheduler,
    limits: await scheduler.limits(),
    note,
  };
  // An array, but where all may be there already, and finish
  if (options.dryRun === false) await scheduler.expect(trees.destination.isNew ? 2 : 1);
  return copySettled(settled, say).finally(() => scheduler.expect(0));
}

async function copySettled(settled: Copy, say: (text: string) => void): Promise<number> {
  const { options, context, note } = settled;
  const earlier = options.retry ? await retryRun(settled) : await refuseBusyRun(settled);
  if (earlier.kind === 'nothing left') {
    if (options.json) note(`nothing is left to copy: ${earlier.text}`);
    else say(`Nothing is left to copy: ${earlier.text}\n`);
    return exitCodes.done;
  }
  await makeRunsDirectory();
  say(formatTrees(options.source, options.destination));
  let ready = earlier.kind === 'go on' ? earlier.run : undefined;
  if (ready === undefined) {
    const progress = scanProgress(context.stderr);
    const planned = await planRun(settled, progress).finally(() => progress.end());
    if (planned.kind === 'unreadable') {
      context.stderr.write(formatUnreadable(planned.unreadable, planned.total));
      throw planned.error;
    }
    ready = planned.run;
  }
  if (options.dryRun !== false) return dryRun(settled, ready);
  const submitted = await submitRun(settled, ready);
  if (options.parsable) context.stdout.write(`${submitted.job}\n`);
  say(formatSubmitted(submitted.job, submitted.queue));
  if (options.wait) return wait(settled, submitted, say);
  note(`to see how far it is: bcopy status ${submitted.job}`);
  return exitCodes.done;
}

/** Stays until the end; the exit code is the copy's. */
async function wait(
  { context, scheduler, note }: Copy,
  submitted: SubmittedRun,
  say: (text: string) => void,
): Promise<number> {
  const progress = copyProgress(context.stderr, submitted.entries);
  const options = { scheduler, signal: context.signal, note, onStatus: progress.show };
  const status = await waitForRun(submitted.id, submitted.attempt, options).finally(() => progress.end());
  const log = await readFile(`${submitted.job}.log`, 'utf8').catch(() => '');
  if (status.phase === 'complete') {
    say(`${log.trimEnd().split('\n').at(-1) ?? ''}\n`);
    return exitCodes.done;
  }
  if (!status.isFinished) await tryToReport(status.run, note);
  const { failed, left } = status.account;
  const different = status.verified?.count ?? 0;
  if (different > 0 && failed.entries === 0) {
    note(
      `${formatCounted(different, 'difference')} between source and destination; see ${submitted.job}.err`,
    );
    return exitCodes.differences;
  }
  if (isComplete(status.account)) {
    note(`all is copied, but ${sayWhatIsMissing(status.attempt)}; see ${submitted.job}.err`);
    return exitCodes.incomplete;
  }
  note(
    `not everything is copied: ${formatCounted(failed.entries, 'entry', 'entries')} failed, ${formatCount(left.entries)} not done; see ${submitted.job}.err`,
  );
  return exitCodes.incomplete;
}

/** Of an attempt whose run has copied all and is not complete. */
function sayWhatIsMissing(attempt: PhaseWishes | undefined): string {
  if (attempt?.phase === 'hash') return 'no manifest is made';
  if (attempt?.phase === 'verify') return 'not all is compared';
  return attempt?.delete === undefined
    ? 'the last of the jobs did not come to its end'
    : 'not all that the source does not have is removed';
}
