import { algorithms } from '../../core/model/algorithm.ts';
import { compareNames } from '../../core/model/byte-order.ts';
import { BcopyError, exitCodes } from '../../core/model/errors.ts';
import { quoteName, toBytes } from '../../core/model/names.ts';
import { formatBytes, formatCounted } from '../../core/model/units.ts';
import type { WorkerLimits } from '../../core/run/attempt-wishes.ts';
import type { Identity } from '../../core/storage/posix/entry-rules.ts';
import { NewOutput } from '../../core/storage/posix/new-output.ts';
import { identityOf, identityOfOpen } from '../../core/storage/posix/scan.ts';
import { type CopyOptions, limitsOf } from '../options.ts';
import { writeLine } from '../output/write-lines.ts';
import type { ManifestOptions } from '../proof-options.ts';
import { makeManifestByTasks } from '../steps/cluster-manifest.ts';
import { type MadeManifest, makeManifest } from '../steps/make-manifest.ts';
import { clusterFor } from '../steps/tree-run.ts';
import type { CommandContext } from './context.ts';

const shownAtMost = 100;

/**
 * `bcopy manifest DIR`: a line for each regular file, as the algorithm's own tool reads it; to stdout, or to a file. By tasks
 * where there is a cluster.
 */
export async function manifest(
  options: ManifestOptions,
  jobs: CopyOptions,
  context: CommandContext,
): Promise<number> {
  const cluster = await clusterFor(jobs, context);
  const made =
    cluster === undefined
      ? await makeHere(options, limitsOf(jobs), context)
      : await makeManifestByTasks(options, { options: jobs, context, scheduler: cluster });
  if (made.unreadable.length > 0) throw incomplete(made, options);
  context.stderr.write(sayMade(made, options));
  return exitCodes.done;
}

async function makeHere(
  options: ManifestOptions,
  limits: WorkerLimits,
  context: CommandContext,
): Promise<MadeManifest> {
  const { output } = options;
  const file = output === undefined ? undefined : new NewOutput(output);
  try {
    const made = await make({ ...options, limits }, file, context);
    if (made.unreadable.length === 0) file?.finish();
    else file?.abandon();
    return made;
  } catch (error) {
    file?.abandon();
    throw error;
  }
}

async function make(
  { directory, algorithm, output, threads, limits }: ManifestOptions & { readonly limits: WorkerLimits },
  file: NewOutput | undefined,
  context: CommandContext,
): Promise<MadeManifest> {
  // Where it is written to may lie in the tree
  const passOver = [
    output === undefined ? undefined : identityOf(output),
    file?.identity ?? identityOfOutput(context),
  ].filter((identity) => identity !== undefined);
  const write = async (line: string) =>
    file === undefined ? await writeLine(context.stdout, toBytes(line)) : file.write(line);
  return makeManifest({ directory, algorithm, threads, limits, passOver }, write, context.signal);
}

function identityOfOutput({ stdout }: CommandContext): Identity | undefined {
  const { fd } = stdout as { fd?: number };
  return fd === undefined ? undefined : identityOfOpen(fd);
}

function sayMade({ files, bytes, notForTool }: MadeManifest, { algorithm }: ManifestOptions): string {
  const made = `bcopy: ${formatCounted(files, 'file')}, ${formatBytes(bytes)}, by ${algorithm}\n`;
  if (notForTool === 0) return made;
  const { tool } = algorithms[algorithm];
  return `${made}bcopy: ${formatCounted(notForTool, 'name')} that ${tool} cannot read; bcopy verify --manifest can\n`;
}

function incomplete({ unreadable }: MadeManifest, { directory }: ManifestOptions): BcopyError {
  const sorted = unreadable.toSorted((one, other) => compareNames(one.path, other.path));
  const shown = sorted.slice(0, shownAtMost).map(({ path, why }) => `${quoteName(path || '.')} (${why})`);
  const count = formatCounted(unreadable.length, 'entry', 'entries');
  return new BcopyError('sourceUnreadable', `the manifest of ${quoteName(directory)} lacks ${count}`, {
    theirWords: shown.join('\n'),
  });
}
