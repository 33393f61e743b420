import type { Plan } from '../../core/model/plan.ts';
import type { RunInfo } from '../../core/run/run-info.ts';
import type { CommandContext } from '../commands/context.ts';
import type { CopyOptions } from '../options.ts';
import { scanProgress } from '../output/progress.ts';
import { chooseScheduler } from '../schedulers/choose.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { abandonRun, createRun, makeRunsDirectory, refuseForeignRuns } from './create-run.ts';
import { checkTemplates } from './job-script.ts';
import { makePlan } from './make-plan.ts';
import { packagePaths } from './package-paths.ts';
import { explainRunError } from './run-errors.ts';
import { scanSource } from './scan-source.ts';
import { type Copy, type ReadyRun, workersOf } from './submit-run.ts';
import type { GivenTree } from './tree-at.ts';

/** A run of tasks on one tree that copies nothing. */
export type TreeRunRequest = {
  readonly purpose: NonNullable<RunInfo['purpose']>;
  readonly tree: GivenTree;
  /** What the run has for a destination, in which nothing is made: the tree itself, or the directory that it lies in. */
  readonly destination: GivenTree;
  /** What is mounted below it is left out. */
  readonly oneFileSystem: boolean;
};

/** Where the jobs of commands run that copy nothing, and for whom. */
export type TreeJobs = {
  readonly options: CopyOptions;
  readonly context: CommandContext;
  readonly scheduler: Scheduler;
};

/** What options and variables may ask for that is of copies only. */
export const onlyTree = { verify: undefined, delete: undefined, compare: undefined, fidelity: undefined };

/** The scheduler that a copy would have, unless that is this machine: there no jobs are needed. */
export async function clusterFor(
  options: CopyOptions,
  context: CommandContext,
): Promise<Scheduler | undefined> {
  const { environment } = context;
  const { supervisorBundle: supervisorPath } = packagePaths();
  const scheduler = await chooseScheduler({ wanted: options.scheduler, environment, supervisorPath });
  return scheduler.kind === 'local' ? undefined : scheduler;
}

/** Makes and plans a run: what it gives can be submitted. A run that comes to nothing leaves no trace. */
export async function planTreeRun(
  request: TreeRunRequest,
  jobs: TreeJobs,
): Promise<{ readonly copy: Copy; readonly run: ReadyRun; readonly plan: Plan }> {
  const { options, context, scheduler } = jobs;
  const { node, workerBundle: worker, templates } = options;
  await refuseForeignRuns();
  if (templates !== undefined) await checkTemplates(templates, { node, worker, version: context.version });
  const copy = asCopy(request, jobs, await scheduler.limits());
  await makeRunsDirectory();
  const { tree, destination, purpose } = request;
  const { paths, info } = await createRun(
    {
      version: context.version,
      purpose,
      source: tree,
      destination: { ...destination, isNew: false },
      command: ['bcopy', ...context.words],
      options: { ...options },
    },
    new Date(context.now()),
  );
  const progress = scanProgress(context.stderr);
  try {
    const begun = performance.now();
    const { totals } = await scanSource(paths, copy.trees, {
      probe: false,
      keepsLinks: false,
      followsSymlinks: false,
      selection: copy.selection,
      onProgress: progress.show,
      signal: context.signal,
    });
    const plan = await makePlan(paths, totals, {
      workers: workersOf(copy),
      shards: options.shards,
      shardsAtMost: copy.limits.maxTaskNumber + 1,
      scanSeconds: (performance.now() - begun) / 1000,
      dividesFiles: false,
    });
    const shards = [...plan.shards.keys()];
    return { copy, plan, run: { paths, id: info.id, plan, attempt: 1, shards, isNew: true } };
  } catch (error) {
    await abandonRun(paths);
    throw explainRunError(error);
  } finally {
    progress.end();
  }
}

/** What submits copies submits this: nothing may be met that would be copied into. */
function asCopy(
  { tree, destination, oneFileSystem }: TreeRunRequest,
  { options, context, scheduler }: TreeJobs,
  limits: Copy['limits'],
): Copy {
  const nowhere = { device: 0n, inode: 0n };
  return {
    options,
    context,
    scheduler,
    limits,
    trees: {
      roots: [{ name: '', ...tree }],
      destination: { ...destination, exists: true, isNew: false, identity: nowhere },
    },
    selection: { filters: oneFileSystem ? { oneFileSystem } : {}, listed: undefined, recorded: undefined },
    note: (message) => void context.stderr.write(`bcopy: ${message}\n`),
  };
}
