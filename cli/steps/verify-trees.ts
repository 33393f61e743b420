import type { Totals } from '../../core/model/plan.ts';
import type { CommandContext } from '../commands/context.ts';
import type { CopyOptions } from '../options.ts';
import { chooseScheduler } from '../schedulers/choose.ts';
import { makeRunsDirectory, refuseForeignRuns } from './create-run.ts';
import { packagePaths } from './package-paths.ts';
import { planRun } from './plan-run.ts';
import { readSelection } from './read-selection.ts';
import { findReadableTrees } from './readable-trees.ts';
import { type Copy, submitRun } from './submit-run.ts';
import type { HowToVerify, SubmittedVerification } from './verify-run.ts';

export type VerifyTreesRequest = {
  readonly source: string;
  readonly destination: string;
  readonly how: HowToVerify;
  /** Of the jobs. */
  readonly options: CopyOptions;
  readonly onProgress: (totals: Totals) => void;
};

/** Makes a run that only compares, of all that the source has, and submits it. What the source does not have is a difference. */
export async function verifyTrees(
  { source, destination, how, options, onProgress }: VerifyTreesRequest,
  context: CommandContext,
  note: (message: string) => void,
): Promise<SubmittedVerification> {
  const trees = findReadableTrees(source, destination);
  await refuseForeignRuns();
  const supervisorPath = packagePaths().supervisorBundle;
  const { environment } = context;
  const scheduler = await chooseScheduler({ wanted: options.scheduler, environment, supervisorPath, note });
  const settled = { ...options, ...comparing(how) };
  const selection = await readSelection(settled, context.now());
  const limits = await scheduler.limits();
  const copy: Copy = { options: settled, context, trees, selection, scheduler, limits, note };
  await scheduler.expect(2);
  try {
    await makeRunsDirectory();
    const planned = await planRun(copy, { show: onProgress }, 'verify');
    if (planned.kind === 'unreadable') throw planned.error;
    const verify = {
      by: how.by,
      keep: how.keep,
      ...(how.modifyWindow === 0 ? {} : { windowSeconds: how.modifyWindow }),
      extras: true,
      since: 1,
    };
    const submitted = await submitRun(copy, planned.run, { phase: 'verify', verify });
    return { ...submitted, scheduler };
  } finally {
    await scheduler.expect(0);
  }
}

/** What of the options of a copy has another meaning here, or none. */
function comparing({ keep, threads }: HowToVerify): Partial<CopyOptions> {
  return {
    preserve: [...keep],
    noPreserve: [],
    require: [],
    links: 'copy',
    verify: 'none',
    check: false,
    ...(threads === undefined ? {} : { threads }),
  };
}
