import type { Difference } from '../../core/model/difference.ts';
import { exitCodes } from '../../core/model/errors.ts';
import { readPlan } from '../../core/run/plan-file.ts';
import { readRunState } from '../../core/run/run-state.ts';
import { unverifiedShards } from '../../core/run/to-verify.ts';
import { readCopyOptions } from '../options.ts';
import {
  differenceLine,
  formatCompared,
  formatDifference,
  formatFilesCompared,
  onceForDirectory,
} from '../output/difference-text.ts';
import { copyProgress, scanProgress } from '../output/progress.ts';
import { writeLine } from '../output/write-lines.ts';
import { keptOf, type VerifyOptions } from '../proof-options.ts';
import { packagePaths } from '../steps/package-paths.ts';
import { tryToReport } from '../steps/report-run.ts';
import type { RunStatus } from '../steps/run-status.ts';
import { verifyManifest } from '../steps/verify-manifest.ts';
import { type SubmittedVerification, verifyRun } from '../steps/verify-run.ts';
import { verifyTrees } from '../steps/verify-trees.ts';
import { waitForRun } from '../steps/wait-for-run.ts';
import type { CommandContext } from './context.ts';

type OfTrees = Exclude<VerifyOptions, { kind: 'manifest' }>;

/** `bcopy verify`: tells each difference of two trees, of what a run has copied, or of a tree from a manifest, and how much was compared. */
export async function verify(options: VerifyOptions, context: CommandContext): Promise<number> {
  if (options.kind === 'manifest') return verifyFiles(options, context);
  const note = (message: string) => void context.stderr.write(`bcopy: ${message}\n`);
  const submitted = await submit(options, context, note);
  const { job, queue, scheduler, entries } = submitted;
  note(`job ${job} is submitted to queue ${queue}`);
  if (options['no-wait']) {
    note(`to see how far it is: bcopy status ${job}`);
    return exitCodes.done;
  }
  const progress = copyProgress(context.stderr, entries);
  const what = `job ${job} (bcopy status ${job})`;
  const waiting = { scheduler, signal: context.signal, note, what, onStatus: progress.show };
  const status = await waitForRun(submitted.id, submitted.attempt, waiting).finally(() => progress.end());
  if (!status.isFinished) await tryToReport(status.run, note);
  return tellAll(status, submitted, options, context);
}

async function submit(
  options: OfTrees,
  context: CommandContext,
  note: (message: string) => void,
): Promise<SubmittedVerification> {
  const { compare: by, 'modify-window': modifyWindow, threads, jobs: typed } = options;
  const how = { by, keep: keptOf(options), modifyWindow, threads };
  const { source, destination } = options.kind === 'trees' ? options : { source: '/', destination: '/' };
  const { workerBundle } = packagePaths();
  const surroundings = { environment: context.environment, node: process.execPath, workerBundle };
  const settled = await readCopyOptions({ ...typed, source: [source], destination }, surroundings);
  if (options.kind === 'run')
    return verifyRun({ job: options.job, how, typed, options: settled }, context, note);
  const progress = scanProgress(context.stderr);
  const request = { source, destination, how, options: settled, onProgress: progress.show };
  return verifyTrees(request, context, note).finally(() => progress.end());
}

/** Every difference in a line, and what was compared; 4 when something differs, 3 when not all could be compared. */
async function tellAll(
  status: RunStatus,
  { job }: SubmittedVerification,
  { json }: OfTrees,
  { stdout, stderr }: CommandContext,
): Promise<number> {
  const { paths } = status.run;
  const plan = await readPlan(paths);
  const state = await readRunState(paths, plan);
  const { verification } = state;
  const format = json ? differenceLine : formatDifference;
  for (const difference of onceForDirectory(verification.differences()))
    await writeLine(stdout, format(difference));
  (json ? stderr : stdout).write(formatCompared(verification.compared, verification.count));
  if (verification.count > 0) return exitCodes.differences;
  const isAll = unverifiedShards(status.attempt!, status.run.info, plan, state).length === 0;
  // Finish looks for files that are one
  if (isAll && verification.unreadable === 0 && status.isFinished) return exitCodes.done;
  stderr.write(`bcopy: not everything could be compared; see ${job}.err\n`);
  return exitCodes.incomplete;
}

async function verifyFiles(
  options: VerifyOptions & { kind: 'manifest' },
  { stdout, stderr, signal }: CommandContext,
): Promise<number> {
  let differences = 0;
  const format = options.json ? differenceLine : formatDifference;
  const tell = (difference: Difference) => {
    differences++;
    return writeLine(stdout, format(difference));
  };
  const compared = await verifyManifest(options, tell, signal);
  (options.json ? stderr : stdout).write(formatFilesCompared(compared, differences));
  return differences === 0 ? exitCodes.done : exitCodes.differences;
}
