import type { Difference } from '../../core/model/difference.ts';
import { exitCodes } from '../../core/model/errors.ts';
import {
  differenceLine,
  formatCompared,
  formatDifference,
  formatFilesCompared,
} from '../output/difference-text.ts';
import { writeLine } from '../output/write-lines.ts';
import { keptOf, type VerifyOptions } from '../proof-options.ts';
import { compareTrees, type Tell } from '../steps/compare-trees.ts';
import { findRunOfJob } from '../steps/find-run.ts';
import { verifyManifest } from '../steps/verify-manifest.ts';
import { verifyRun } from '../steps/verify-run.ts';
import type { CommandContext } from './context.ts';

/** `bcopy verify`: tells each difference of two trees, of what a run has copied, or of a tree from a manifest, and how much was compared. */
export async function verify(options: VerifyOptions, context: CommandContext): Promise<number> {
  let differences = 0;
  const format = options.json ? differenceLine : formatDifference;
  const tell = (difference: Difference) => {
    differences++;
    return writeLine(context.stdout, format(difference));
  };
  const say = await compare(options, tell, context);
  (options.json ? context.stderr : context.stdout).write(say(differences));
  return differences === 0 ? exitCodes.done : exitCodes.differences;
}

/** Returns what to say in the end. */
async function compare(
  options: VerifyOptions,
  tell: Tell,
  { signal, environment }: CommandContext,
): Promise<(differences: number) => string> {
  if (options.kind === 'manifest') {
    const compared = await verifyManifest(options, tell, signal);
    return (differences) => formatFilesCompared(compared, differences);
  }
  const { compare: by, 'modify-window': modifyWindow, threads } = options;
  const how = { by, keep: keptOf(options), modifyWindow, threads };
  const compared =
    options.kind === 'run'
      ? await verifyRun(await findRunOfJob(options.job, environment), how, tell, signal)
      : await compareTrees(
          { source: options.source, destination: options.destination, ...how },
          tell,
          signal,
        );
  return (differences) => formatCompared(compared, differences);
}
